// What can be made of an empty slot, asked at the place that was clicked.
import { Menu } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { dayAndTime, span } from '~/i18n/format'
import { plusMinutes } from '~/i18n/zone'
import { IconCalendarPlus, IconLock } from '~/ui/icons'
import type { Spot } from './Grid'

type Props = {
  spot: Spot | null
  timeZone: string
  onClose: () => void
  onSession: (spot: Spot) => void
  onBlock: (spot: Spot) => void
}

export default function SlotMenu({ spot, timeZone, onClose, onSession, onBlock }: Props) {
  const { t } = useTranslation('calendar')
  return (
    <Menu
      opened={spot !== null}
      onClose={onClose}
      position="bottom-start"
      width={224}
      shadow="sm"
      trapFocus
      returnFocus
    >
      <Menu.Target>
        <button
          type="button"
          tabIndex={-1}
          aria-hidden
          style={{
            position: 'fixed',
            left: spot?.x ?? 0,
            top: spot?.y ?? 0,
            width: 1,
            height: 1,
            padding: 0,
            border: 0,
          }}
        />
      </Menu.Target>
      <Menu.Dropdown>
        {spot && (
          <>
            <Menu.Label>{labelOf(spot, timeZone)}</Menu.Label>
            <Menu.Item leftSection={<IconCalendarPlus size={16} aria-hidden />} onClick={() => onSession(spot)}>
              {t('newSession')}
            </Menu.Item>
            <Menu.Item leftSection={<IconLock size={16} aria-hidden />} onClick={() => onBlock(spot)}>
              {t('blockTime')}
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}

function labelOf({ starts_at, minutes, allDay }: Spot, timeZone: string): string {
  const at = dayAndTime(starts_at, timeZone)
  if (allDay) return at.slice(0, at.lastIndexOf(','))
  if (minutes === null) return at
  return `${at.slice(0, at.lastIndexOf(','))}, ${span(starts_at, plusMinutes(starts_at, minutes), timeZone)}`
}

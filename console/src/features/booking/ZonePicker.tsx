// In whose time the times are told: the client's own unless they choose another.
import { Select } from '@mantine/core'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { IconWorld } from '~/ui/icons'
import { clockTime } from './when'

const SHOWN_AT_ONCE = 100

export function ZonePicker({ zone, onZone }: { zone: string; onZone: (zone: string) => void }) {
  const { t } = useTranslation('booking')
  const zones = useMemo(() => {
    const all = new Set(['UTC', ...Intl.supportedValuesOf('timeZone'), zone])
    return [...all].sort().map((value) => ({ value, label: value.replaceAll('_', ' ') }))
  }, [zone])
  return (
    <Select
      label={t('timeZone')}
      data={zones}
      value={zone}
      onChange={(value) => value && onZone(value)}
      allowDeselect={false}
      searchable
      limit={SHOWN_AT_ONCE}
      nothingFoundMessage={t('noSuchZone')}
      leftSection={<IconWorld size={16} stroke={1.6} aria-hidden />}
      renderOption={({ option }) => (
        <>
          <span>{option.label}</span>
          <span style={{ marginLeft: 'auto', color: 'var(--quiet)' }}>
            {clockTime(new Date().toISOString(), option.value)}
          </span>
        </>
      )}
    />
  )
}

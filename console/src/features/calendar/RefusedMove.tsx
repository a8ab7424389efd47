// What is in the way of a session that was dragged, and where it could go instead.
import { Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { dayAndTime } from '~/i18n/format'
import { Conflicts } from '../newsession/Conflicts'
import type { Refused } from './moves'

type Props = { refused: Refused; timeZone: string; calendars?: Record<string, string> }

export default function RefusedMove({ refused, timeZone, calendars }: Props) {
  const { t } = useTranslation('calendar')
  const { problem, stands, pulled, allowed } = refused
  const [busy, setBusy] = useState(false)
  const again: Refused['retry'] = async (at, override) => {
    setBusy(true)
    await refused.retry(at, override)
    setBusy(false)
  }
  return (
    <Stack>
      <Text>
        {t(pulled ? 'cannotLastHint' : 'cannotMoveHint', {
          when: dayAndTime(pulled ? stands.ends_at : stands.starts_at, timeZone),
        })}
      </Text>
      <Conflicts
        problem={problem}
        stands={stands}
        timeZone={timeZone}
        calendars={calendars}
        onPick={({ starts_at }) => void again(starts_at, {})}
        already={allowed}
        onAnyway={(override) => void again(null, override)}
        anyway={t(pulled ? 'lastAnyway' : 'moveHere')}
        busy={busy}
      />
    </Stack>
  )
}

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
  const [busy, setBusy] = useState(false)
  const again: Refused['retry'] = async (at, override) => {
    setBusy(true)
    await refused.retry(at, override)
    setBusy(false)
  }
  return (
    <Stack>
      <Text>{t('cannotMoveHint', { when: dayAndTime(refused.stands, timeZone) })}</Text>
      <Conflicts
        key={refused.problem.message + refused.problem.code}
        problem={refused.problem}
        timeZone={timeZone}
        calendars={calendars}
        onPick={({ starts_at }) => void again(starts_at, {})}
        onAnyway={(override) => void again(null, override)}
        anyway={t('moveHere')}
        busy={busy}
      />
    </Stack>
  )
}

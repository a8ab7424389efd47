// With whom: one of those who offer the type, or anyone who is free.
import { Radio, Stack } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Offered } from './offers'

const ANYONE = 'any'

export function SpecialistPicker({
  type,
  chosen,
  onChoose,
}: {
  type: Offered
  chosen?: string
  onChoose: (calendarId?: string) => void
}) {
  const { t } = useTranslation('booking')
  return (
    <Radio.Group
      label={t('with')}
      value={chosen ?? ANYONE}
      onChange={(value) => onChoose(value === ANYONE ? undefined : value)}
    >
      <Stack gap="sm" mt="sm">
        <Radio value={ANYONE} label={t('anySpecialist')} />
        {type.calendars.map((calendar) => (
          <Radio key={calendar.id} value={calendar.id} label={calendar.name} />
        ))}
      </Stack>
    </Radio.Group>
  )
}

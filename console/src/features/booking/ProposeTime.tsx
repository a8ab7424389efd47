// A day and a time typed by hand, where the practice shows no free times to clients.
import { Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { dateOf, moment, timeOf } from '~/i18n/zone'
import classes from './booking.module.css'

export function ProposeTime({
  practice,
  zone,
  from,
  onTime,
}: {
  practice: string
  zone: string
  /** When it is now. */
  from: string
  /** Told whenever both are filled in, undefined where they are not. */
  onTime: (start: string | undefined) => void
}) {
  const { t } = useTranslation('booking')
  const [date, setDate] = useState(dateOf(from, zone))
  const [time, setTime] = useState(timeOf(from, zone))
  const change = (day: string, clock: string) => {
    setDate(day)
    setTime(clock)
    onTime(day && clock ? moment(day, clock, zone) : undefined)
  }
  return (
    <>
      <Text mb="md">{t('moveHint', { name: practice })}</Text>
      <div className={classes.proposal}>
        <TextInput
          type="date"
          label={t('moveDate')}
          value={date}
          onChange={(event) => change(event.currentTarget.value, time)}
          error={date ? undefined : t('dateMissing')}
        />
        <TextInput
          type="time"
          label={t('moveTime')}
          description={zone.replaceAll('_', ' ')}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          value={time}
          onChange={(event) => change(date, event.currentTarget.value)}
          error={time ? undefined : t('timeMissing')}
        />
      </div>
    </>
  )
}

// Date, time and duration, on the practice's own clock.
import { NumberInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useAccount } from '~/app/account'
import { dateOf, moment, timeOf } from '~/i18n/zone'
import { readTime } from '../newsession/clock'
import { DateField } from '../newsession/DateField'
import { TimeField } from '../newsession/TimeField'
import classes from './panel.module.css'

export type When = { date: string; time: string; minutes: number | string }

export function whenOf(startsAt: string, minutes: number, zone: string): When {
  return { date: dateOf(startsAt, zone), time: timeOf(startsAt, zone), minutes }
}

/** The moment; undefined while something is missing. */
export function startOf({ date, time }: When, zone: string): string | undefined {
  const clock = readTime(time)
  return date && clock ? moment(date, clock, zone) : undefined
}

export function WhenFields({
  value,
  onChange,
  errors,
}: {
  value: When
  onChange: (value: When) => void
  errors?: { start?: string; minutes?: string }
}) {
  const { t } = useTranslation('session')
  const { booking } = useAccount()
  return (
    <>
      <div className={classes.when}>
        <DateField
          label={t('date')}
          value={value.date}
          onChange={(date) => onChange({ ...value, date })}
          error={errors?.start}
        />
        <TimeField
          label={t('time')}
          value={value.time}
          onChange={(time) => onChange({ ...value, time })}
          every={booking.slot_interval_minutes}
          error={Boolean(errors?.start) || !readTime(value.time)}
        />
      </div>
      <NumberInput
        label={t('durationMinutes')}
        value={value.minutes}
        onChange={(minutes) => onChange({ ...value, minutes })}
        min={1}
        max={1440}
        step={booking.slot_interval_minutes}
        allowDecimal={false}
        allowNegative={false}
        error={errors?.minutes}
      />
    </>
  )
}

// Date, time and duration, on the practice's own clock.
import { NumberInput, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useAccount } from '~/app/account'
import { dateOf, moment, timeOf } from '~/i18n/zone'
import classes from './panel.module.css'

export type When = { date: string; time: string; minutes: number | string }

export function whenOf(startsAt: string, minutes: number, zone: string): When {
  return { date: dateOf(startsAt, zone), time: timeOf(startsAt, zone), minutes }
}

/** The moment; undefined while something is missing. */
export function startOf({ date, time }: When, zone: string): string | undefined {
  return date && time ? moment(date, time, zone) : undefined
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
        <TextInput
          type="date"
          label={t('date')}
          value={value.date}
          onChange={(event) => onChange({ ...value, date: event.currentTarget.value })}
          error={errors?.start}
          required
          withAsterisk={false}
        />
        <TextInput
          type="time"
          label={t('time')}
          step={booking.slot_interval_minutes * 60}
          value={value.time}
          onChange={(event) => onChange({ ...value, time: event.currentTarget.value })}
          error={Boolean(errors?.start)}
          required
          withAsterisk={false}
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

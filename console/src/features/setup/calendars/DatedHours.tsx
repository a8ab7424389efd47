// Dates that are not as their weekday is: a day off, or other hours.
import { ActionIcon, Button, Group, Text, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useTimeZone } from '~/app/account'
import { day } from '~/i18n/format'
import { addDays, moment, today } from '~/i18n/zone'
import { IconPlus, IconX } from '~/ui/icons'
import classes from './Hours.module.css'
import { type DayOff, next } from './hours'
import { SpanRows } from './SpanRows'

export function DatedHours({
  dates,
  errors,
  onChange,
}: {
  dates: DayOff[]
  errors: Record<string, string>
  onChange: (dates: DayOff[]) => void
}) {
  const { t } = useTranslation('setup')
  const timeZone = useTimeZone()
  const put = (id: string, change: Partial<DayOff>) =>
    onChange(dates.map((each) => (each.id === id ? { ...each, ...change } : each)))
  const add = () => {
    const last = [today(timeZone), ...dates.map(({ date }) => date)].sort().at(-1) ?? today(timeZone)
    onChange([...dates, { id: crypto.randomUUID(), date: addDays(last, 1), hours: [] }])
  }
  const named = (date: string) => (/^\d{4}-\d\d-\d\d$/.test(date) ? day(moment(date, '12:00', 'UTC'), 'UTC') : date)
  return (
    <fieldset className={classes.group}>
      <legend className={classes.legend}>{t('dates')}</legend>
      <Text size="sm" c="var(--quiet)" mb="sm">
        {t('datesHint')}
      </Text>
      {dates.map((each) => (
        <div key={each.id} className={classes.date}>
          <div className={classes.head}>
            <TextInput
              type="date"
              aria-label={t('date')}
              value={each.date}
              onChange={(event) => put(each.id, { date: event.currentTarget.value })}
              error={errors[each.id]}
            />
            <Button
              variant="subtle"
              size="xs"
              leftSection={<IconPlus size={14} aria-hidden />}
              onClick={() => put(each.id, { hours: [...each.hours, next(each.hours)] })}
            >
              {t('addHours')}
            </Button>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('dateRemove', { date: named(each.date) })}
              onClick={() => onChange(dates.filter(({ id }) => id !== each.id))}
            >
              <IconX size={16} aria-hidden />
            </ActionIcon>
          </div>
          {each.hours.length === 0 ? (
            <Text size="sm" c="var(--quiet)">
              {t('dayOff')}
            </Text>
          ) : (
            <SpanRows
              day={named(each.date)}
              spans={each.hours}
              errors={errors}
              onChange={(hours) => put(each.id, { hours })}
            />
          )}
        </div>
      ))}
      <Group mt="sm">
        <Button variant="default" size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={add}>
          {t('addDate')}
        </Button>
      </Group>
    </fieldset>
  )
}

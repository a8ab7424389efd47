// The hours of a week: several spans a day, and one day's copied to all.
import { ActionIcon, Tooltip } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { IconCopy, IconPlus } from '~/ui/icons'
import classes from './Hours.module.css'
import { next, span, WEEKDAYS, type Week, type Weekday } from './hours'
import { SpanRows } from './SpanRows'

export function WeekHours({
  week,
  errors,
  onChange,
}: {
  week: Week
  errors: Record<string, string>
  onChange: (week: Week) => void
}) {
  const { t } = useTranslation('setup')
  const copy = (from: Weekday) => {
    const fresh = () => week[from].map(({ start, end }) => span(start, end))
    onChange({ mon: fresh(), tue: fresh(), wed: fresh(), thu: fresh(), fri: fresh(), sat: fresh(), sun: fresh() })
  }
  return (
    <fieldset className={classes.group}>
      <legend className={classes.legend}>{t('workingHours')}</legend>
      <div className={classes.days}>
        {WEEKDAYS.map((weekday) => {
          const day = t(`day_${weekday}`)
          return (
            <div key={weekday} className={classes.day}>
              <span className={classes.weekday}>{day}</span>
              <SpanRows
                day={day}
                spans={week[weekday]}
                errors={errors}
                onChange={(spans) => onChange({ ...week, [weekday]: spans })}
              />
              <div className={classes.actions}>
                <Tooltip label={t('addHours')}>
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    aria-label={t('addHoursTo', { day })}
                    onClick={() => onChange({ ...week, [weekday]: [...week[weekday], next(week[weekday])] })}
                  >
                    <IconPlus size={16} aria-hidden />
                  </ActionIcon>
                </Tooltip>
                <Tooltip label={t('copyToAll')}>
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    aria-label={t('copyDayToAll', { day })}
                    onClick={() => copy(weekday)}
                  >
                    <IconCopy size={16} aria-hidden />
                  </ActionIcon>
                </Tooltip>
              </div>
            </div>
          )
        })}
      </div>
    </fieldset>
  )
}

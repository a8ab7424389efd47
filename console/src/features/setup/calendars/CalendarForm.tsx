// One calendar: its name and colour, its hours, and who may subscribe to it.
import { Switch, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, scheduling } from '~/api/client'
import type { Calendar } from '~/api/types'
import { clock } from '../parts/ClockField'
import { ColorField, FIRST_COLOR } from '../parts/ColorField'
import { EditDrawer } from '../parts/EditDrawer'
import { Refusal } from '../parts/Refusal'
import { fieldErrors, seen, useFormKey, useSaving } from '../parts/saving'
import { DatedHours } from './DatedHours'
import { FeedLink } from './FeedLink'
import { type DayOff, datesOf, flat, misplaced, type Span, span, type Week, weekOf } from './hours'
import { WeekHours } from './WeekHours'

type Values = { name: string; color: string; is_default: boolean; week: Week; dates: DayOff[] }

export default function CalendarForm({ calendar, onClose }: { calendar?: Calendar; onClose: () => void }) {
  const { t } = useTranslation('setup')
  const key = useFormKey()
  const form = useForm<Values>({ initialValues: valuesOf(calendar) })
  const { values } = form
  const [hoursErrors, setHoursErrors] = useState<Record<string, string>>({})
  const saving = useSaving(
    (given: Values) =>
      calendar
        ? body(
            scheduling.PATCH('/v1/calendars/{calendar_id}', {
              params: { path: { calendar_id: calendar.id }, header: seen(calendar.version) },
              body: bodyOf(given),
            }),
          )
        : body(scheduling.POST('/v1/calendars', { params: { header: key.header() }, body: bodyOf(given) })),
    { keys: [['calendars']], onSaved: onClose },
  )
  const retiring = useSaving(
    (one: Calendar) =>
      body(
        scheduling.DELETE('/v1/calendars/{calendar_id}', {
          params: { path: { calendar_id: one.id }, header: seen(one.version) },
        }),
      ),
    { keys: [['calendars'], ['session-types']], words: t('retired', { name: calendar?.name }), onSaved: onClose },
  )
  const submit = () => {
    setHoursErrors({})
    saving.mutate(values, {
      onError: (error) => {
        const errors = fieldErrors(error)
        form.setErrors(errors)
        setHoursErrors(misplaced(errors, values.week, values.dates))
      },
    })
  }
  const ending = calendar && {
    label: t('retire'),
    warning: t('retireCalendarHint'),
    pending: retiring.isPending,
    error: retiring.error,
    onEnd: () => retiring.mutate(calendar),
  }
  return (
    <EditDrawer
      title={calendar ? calendar.name : t('newCalendar')}
      dirty={form.isDirty()}
      saving={saving.isPending}
      submit={calendar ? undefined : t('createCalendar')}
      onSubmit={submit}
      onClose={onClose}
      ending={calendar?.is_default ? undefined : ending}
    >
      <Refusal error={saving.error} told={['/name', '/working_hours', '/overrides']} />
      <TextInput label={t('name')} required data-autofocus {...form.getInputProps('name')} />
      <ColorField value={values.color} onChange={(color) => form.setFieldValue('color', color)} />
      <Switch
        label={t('isDefault')}
        description={calendar?.is_default ? t('isDefaultStays') : t('isDefaultHint')}
        disabled={calendar?.is_default}
        {...form.getInputProps('is_default', { type: 'checkbox' })}
      />
      <WeekHours week={values.week} errors={hoursErrors} onChange={(week) => form.setFieldValue('week', week)} />
      <DatedHours dates={values.dates} errors={hoursErrors} onChange={(dates) => form.setFieldValue('dates', dates)} />
      {calendar && <FeedLink calendar={calendar} />}
    </EditDrawer>
  )
}

function valuesOf(calendar?: Calendar): Values {
  const usual = () => [span('09:00', '17:00')]
  return {
    name: calendar?.name ?? '',
    color: calendar?.color ?? FIRST_COLOR,
    is_default: calendar?.is_default ?? false,
    week: calendar
      ? weekOf(calendar.working_hours)
      : { mon: usual(), tue: usual(), wed: usual(), thu: usual(), fri: usual(), sat: [], sun: [] },
    dates: datesOf(calendar?.overrides ?? []),
  }
}

function bodyOf({ name, color, is_default, week, dates }: Values) {
  const told = ({ start, end }: Span) => ({ start: clock(start), end: clock(end) })
  return {
    name,
    color,
    is_default,
    working_hours: flat(week).map((each) => ({ ...each, ...told({ id: '', ...each }) })),
    overrides: dates.map(({ date, hours }) => ({ date, hours: hours.map(told) })),
  }
}

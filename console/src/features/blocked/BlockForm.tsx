// Blocks time, once or by recurrence, and changes or frees what is blocked.
import { SegmentedControl, Select, Switch, Text, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, idempotencyKey, scheduling } from '~/api/client'
import { useKeyFor } from '~/api/keyFor'
import type { Problem } from '~/api/problem'
import type { BlockedTime } from '~/api/types'
import { useAccount, useCalendars } from '~/app/account'
import { done } from '~/ui/toast'
import { changeBlocked } from '../calendar/range'
import { Conflicts, isRefusal } from '../newsession/Conflicts'
import { DateField } from '../newsession/DateField'
import classes from '../newsession/NewSession.module.css'
import type { Override } from '../newsession/override'
import { RepeatFields } from '../newsession/RepeatFields'
import { RHYTHMS, rruleOf } from '../newsession/recurrence'
import { TimeField } from '../newsession/TimeField'
import { EditDrawer } from '../setup/parts/EditDrawer'
import { Refusal } from '../setup/parts/Refusal'
import { fieldErrors, seen } from '../setup/parts/saving'
import { changed, fieldsOf, type Subject, type Values, valuesOf, withStart } from './block'
import './words'

const SCOPES = ['this', 'following', 'all'] as const
type Scope = (typeof SCOPES)[number]

type Props = { subject: Subject; onClose: () => void }

export default function BlockForm({ subject, onClose }: Props) {
  const { t } = useTranslation('blocked')
  const { timezone: zone, booking } = useAccount()
  const queries = useQueryClient()
  const calendars = useCalendars().data ?? []
  const usual = calendars.find(({ is_default }) => is_default)?.id ?? calendars[0]?.id ?? ''
  const old = subject.kind === 'old' ? subject.event : null
  const [initial] = useState(() => valuesOf(subject, zone))
  const [values, setValues] = useState(initial)
  const set = (fields: Partial<Values>) => setValues({ ...values, ...fields })
  // What others change meanwhile stays, beside what is changed here.
  const [version, setVersion] = useState(old?.version ?? 0)
  const [tried, setTried] = useState(false)
  const [scope, setScope] = useState<Scope>('this')
  const [override, setOverride] = useState<Override>({})
  const keyFor = useKeyFor()
  const again = useRef(idempotencyKey())
  const calendarId = values.calendarId || usual
  const fields = fieldsOf({ ...values, calendarId }, zone)
  const reach = old?.series_id ? { scope } : {}

  const refresh = () => {
    for (const queryKey of [['blocked-times'], ['series']]) void queries.invalidateQueries({ queryKey })
  }
  const lookAgain = async (error: Problem) => {
    if (!old || error.code !== 'stale') return
    const now = await body(scheduling.GET('/v1/events/{event_id}', { params: { path: { event_id: old.id } } })).catch(
      () => undefined,
    )
    if (now) setVersion(now.version)
  }
  const save = useMutation<void, Problem, { allowed: Override; skip: boolean }>({
    mutationFn: async ({ allowed, skip }) => {
      if (!fields) return
      const permitted = allowed.allow_overlap ? allowed : {}
      if (old) {
        await changeBlocked(queries, old, scope === 'this' ? fields : {}, () =>
          body(
            scheduling.PATCH('/v1/events/{event_id}', {
              params: { path: { event_id: old.id }, header: seen(version) },
              body: { ...changed(fields, old), ...reach, ...permitted },
            }),
          ),
        )
        done(t('saved', { name: fields.title }))
        return
      }
      const rrule = rruleOf(values.repeat)
      const wanted = {
        ...fields,
        ...permitted,
        ...(rrule ? { rrule, on_conflict: skip ? ('skip' as const) : ('fail' as const) } : {}),
      }
      const made = await body(scheduling.POST('/v1/events', { params: { header: keyFor(wanted) }, body: wanted }))
      if (!('occurrences' in made)) return done(t('done', { name: fields.title }), () => free(made.id))
      const members = made.occurrences.flatMap(({ event_id }) => event_id ?? [])
      done(t('seriesDone', { name: fields.title, count: members.length }), () => free(members[0] ?? '', 'all'))
    },
    onSuccess: onClose,
    onError: lookAgain,
    onSettled: refresh,
  })
  const remove = useMutation<void, Problem, BlockedTime>({
    mutationFn: async (event) => {
      await changeBlocked(queries, event, null, () =>
        scheduling.DELETE('/v1/events/{event_id}', {
          params: { path: { event_id: event.id }, query: reach, header: seen(version) },
        }),
      )
      // What is made anew is a block of its own: of a series only one of its members can come back so.
      done(t('deleted', { name: event.title }), scope === 'this' ? () => remake(event) : undefined)
    },
    onSuccess: onClose,
    onError: lookAgain,
    onSettled: refresh,
  })
  const free = async (id: string, whole?: 'all') => {
    await scheduling.DELETE('/v1/events/{event_id}', { params: { path: { event_id: id }, query: { scope: whole } } })
    refresh()
  }
  const remake = async ({ title, starts_at, ends_at, all_day, calendar_id, notes }: BlockedTime) => {
    await body(
      scheduling.POST('/v1/events', {
        params: { header: again.current },
        body: {
          ...{ title, starts_at, ends_at, all_day, calendar_id, notes },
          ...{ allow_overlap: true, override_reason: t('app:undo') },
        },
      }),
    )
    refresh()
  }

  const problem = save.error
  const refused = problem !== null && isRefusal(problem)
  const wrong = fieldErrors(problem)
  const wrongEnd = tried && values.title.trim() && !fields ? t('endBeforeStart') : wrong.ends_at
  const every = booking.slot_interval_minutes
  return (
    <EditDrawer
      title={old ? old.title : t('blockTime')}
      dirty={JSON.stringify(values) !== JSON.stringify(initial)}
      saving={save.isPending}
      submit={old ? undefined : t('block')}
      onSubmit={() => {
        setTried(true)
        if (fields) save.mutate({ allowed: override, skip: false })
      }}
      onClose={onClose}
      ending={
        old
          ? {
              label: t('delete'),
              warning: old.series_id ? t(`freed_${scope}`) : undefined,
              pending: remove.isPending,
              error: remove.error,
              onEnd: () => remove.mutate(old),
            }
          : undefined
      }
    >
      {!refused && <Refusal error={problem} told={TOLD} />}
      {old?.series_id && (
        <div>
          <Text size="sm" fw={600} mb={4}>
            {t('scope')}
          </Text>
          <SegmentedControl
            fullWidth
            aria-label={t('scope')}
            value={scope}
            onChange={(chosen) => setScope(SCOPES.find((each) => each === chosen) ?? 'this')}
            data={SCOPES.map((value) => ({ value, label: t(`scope_${value}`) }))}
          />
        </div>
      )}
      <TextInput
        label={t('title')}
        description={t('titleHint')}
        value={values.title}
        onChange={(event) => set({ title: event.currentTarget.value })}
        error={tried && !values.title.trim() ? t('titleMissing') : wrong.title}
        autoComplete="off"
        maxLength={200}
        data-autofocus
      />
      <Switch
        label={t('allDay')}
        checked={values.allDay}
        onChange={(event) => set({ allDay: event.currentTarget.checked })}
      />
      <div className={classes.pair}>
        <DateField
          label={t('from')}
          value={values.from}
          onChange={(day) => setValues(withStart(values, day))}
          error={wrong.starts_at}
        />
        {!values.allDay && (
          <TimeField label={t('startTime')} value={values.start} onChange={(start) => set({ start })} every={every} />
        )}
        <DateField
          label={t(values.allDay ? 'toInclusive' : 'to')}
          value={values.to}
          onChange={(to) => set({ to })}
          min={values.from}
          error={wrongEnd}
        />
        {!values.allDay && (
          <TimeField label={t('endTime')} value={values.end} onChange={(end) => set({ end })} every={every} />
        )}
      </div>
      {calendars.length > 1 && (
        <Select
          label={t('calendar')}
          value={calendarId}
          onChange={(id) => set({ calendarId: id ?? calendarId })}
          data={calendars.map(({ id, name }) => ({ value: id, label: name }))}
          allowDeselect={false}
          error={wrong.calendar_id}
        />
      )}
      {!old && (
        <RepeatFields
          value={values.repeat}
          onChange={(repeat) => set({ repeat })}
          rhythms={RHYTHMS}
          earliest={values.from}
          endless
          error={wrong.rrule}
        />
      )}
      <Textarea
        label={t('notes')}
        value={values.notes}
        onChange={(event) => set({ notes: event.currentTarget.value })}
        autosize
        minRows={2}
        maxRows={8}
        error={wrong.notes}
      />
      {refused && (
        <Conflicts
          key={save.submittedAt}
          problem={problem}
          timeZone={zone}
          already={override}
          onAnyway={(allowed) => {
            setOverride(allowed)
            save.mutate({ allowed, skip: false })
          }}
          onSkip={!old && values.repeat.rhythm !== 'none' ? () => save.mutate({ allowed: {}, skip: true }) : undefined}
          anyway={t('blockAnyway')}
          busy={save.isPending}
        />
      )}
    </EditDrawer>
  )
}

/** What is told at its field. */
const TOLD = ['/title', '/starts_at', '/ends_at', '/calendar_id', '/rrule', '/notes']

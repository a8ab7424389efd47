// Blocks time, and changes or frees what is blocked.
import { Button, Group, Radio, Select, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, idempotencyKey, scheduling } from '~/api/client'
import { useKeyFor } from '~/api/keyFor'
import type { Problem } from '~/api/problem'
import type { BlockedTime } from '~/api/types'
import { useAccount, useCalendars } from '~/app/account'
import { addDays, dateOf, moment, startOf, timeOf } from '~/i18n/zone'
import { Failure } from '~/ui/Failure'
import { done, failed } from '~/ui/toast'
import { Conflicts, isRefusal, type Override } from '../newsession/Conflicts'
import { readTime } from '../newsession/clock'
import { DateField } from '../newsession/DateField'
import classes from '../newsession/NewSession.module.css'
import { RepeatFields } from '../newsession/RepeatFields'
import { type Repeat, rruleOf } from '../newsession/recurrence'
import { TimeField } from '../newsession/TimeField'
import { changeBlocked } from './range'

const REPEATS = ['none', 'daily', 'weekly', 'monthly'] as const
const FIELDS = /^\/(title|starts_at|ends_at|calendar_id|rrule|notes)$/
const SCOPES = ['this', 'following', 'all'] as const
type Scope = (typeof SCOPES)[number]

/** Time to block anew, or what is blocked already. */
export type Subject =
  | { kind: 'new'; starts_at: string; minutes: number; allDay: boolean; calendarId: string | undefined }
  | { kind: 'old'; event: BlockedTime }

type Props = { subject: Subject; onClose: () => void }
type Fields = {
  title: string
  starts_at: string
  ends_at: string
  all_day: boolean
  notes: string
  calendar_id: string
}

export default function BlockForm({ subject, onClose }: Props) {
  const { t } = useTranslation('calendar')
  const { timezone: zone, booking } = useAccount()
  const queries = useQueryClient()
  const calendars = useCalendars().data ?? []
  const old = subject.kind === 'old' ? subject.event : null
  const begin = old ? old.starts_at : (subject as Extract<Subject, { kind: 'new' }>).starts_at
  const end = old ? old.ends_at : endOf(subject as Extract<Subject, { kind: 'new' }>)

  const [title, setTitle] = useState(old?.title ?? '')
  const [allDay, setAllDay] = useState(old ? old.all_day : subject.kind === 'new' && subject.allDay)
  const [date, setDate] = useState(() => dateOf(begin, zone))
  const [lastDay, setLastDay] = useState(() => lastDayOf(begin, end, allDay, zone))
  const [from, setFrom] = useState(() => (allDay ? '09:00' : timeOf(begin, zone)))
  const [to, setTo] = useState(() => (allDay ? '17:00' : timeOf(end, zone)))
  const [calendarId, setCalendarId] = useState(
    () =>
      old?.calendar_id ??
      (subject.kind === 'new' ? subject.calendarId : undefined) ??
      calendars.find(({ is_default }) => is_default)?.id ??
      calendars[0]?.id ??
      '',
  )
  const [notes, setNotes] = useState(old?.notes ?? '')
  const [repeat, setRepeat] = useState<Repeat>(() => ({
    rhythm: 'none',
    endsBy: 'count',
    count: 10,
    until: addDays(dateOf(begin, zone), 12 * 7),
  }))
  const [tried, setTried] = useState(false)
  const [step, setStep] = useState<'form' | 'save' | 'delete'>('form')
  const [scope, setScope] = useState<Scope>('this')
  const [override, setOverride] = useState<Override>({})
  const keyFor = useKeyFor()
  const again = useRef(idempotencyKey())

  const fields = read()
  function read(): Fields | null {
    const fromTime = readTime(from)
    const toTime = readTime(to)
    if (!title.trim() || !date) return null
    const rest = { title: title.trim(), all_day: allDay, notes: notes.trim(), calendar_id: calendarId }
    if (allDay) {
      if (!lastDay || lastDay < date) return null
      return { ...rest, starts_at: startOf(date, zone), ends_at: startOf(addDays(lastDay, 1), zone) }
    }
    if (!fromTime || !toTime) return null
    const ends = toTime === '00:00' ? addDays(date, 1) : old && !old.all_day ? later(date, old, zone) : date
    const span = { starts_at: moment(date, fromTime, zone), ends_at: moment(ends, toTime, zone) }
    return span.ends_at > span.starts_at ? { ...rest, ...span } : null
  }

  const save = useMutation<string, Problem, { allowed: Override; skip: boolean }>({
    mutationFn: async ({ allowed, skip }) => {
      if (!fields) return ''
      const permitted = allowed.allow_overlap ? allowed : {}
      if (old) {
        await changeBlocked(queries, old, scope === 'this' ? fields : {}, () =>
          body(
            scheduling.PATCH('/v1/events/{event_id}', {
              params: { path: { event_id: old.id }, header: { 'If-Match': `"${old.version}"` } },
              body: { ...changed(fields, old), ...(old.series_id ? { scope } : {}), ...permitted },
            }),
          ),
        )
        return t('blockedSaved', { name: fields.title })
      }
      const rrule = rruleOf(repeat)
      const wanted = {
        ...fields,
        ...permitted,
        ...(rrule ? { rrule, on_conflict: skip ? ('skip' as const) : ('fail' as const) } : {}),
      }
      const made = await body(scheduling.POST('/v1/events', { params: { header: keyFor(wanted) }, body: wanted }))
      const series = 'occurrences' in made
      const count = series ? made.occurrences.filter(({ event_id }) => event_id).length : 1
      void queries.invalidateQueries({ queryKey: ['blocked-times'] })
      done(series ? t('blockedSeries', { name: fields.title, count }) : t('blockedDone', { name: fields.title }), () =>
        free(
          queries,
          series ? (made.occurrences.find(({ event_id }) => event_id)?.event_id ?? '') : made.id,
          series ? 'all' : 'this',
        ),
      )
      return ''
    },
    onSuccess: (said) => {
      if (said) done(said)
      onClose()
    },
    onError: () => setStep('form'),
  })

  const remove = useMutation<void, Problem>({
    mutationFn: async () => {
      if (!old) return
      const way = old.series_id ? scope : 'this'
      await changeBlocked(queries, old, null, () =>
        scheduling.DELETE('/v1/events/{event_id}', {
          params: {
            path: { event_id: old.id },
            query: { ...(old.series_id ? { scope } : {}) },
            header: { 'If-Match': `"${old.version}"` },
          },
        }),
      )
      // What is made anew is a block of its own: of a series only one of its members can come back so.
      done(t('deleted', { name: old.title }), way === 'this' ? () => remake(queries, old, again.current) : undefined)
    },
    onSuccess: onClose,
    onError: (error) => {
      setStep('form')
      failed(error)
    },
  })

  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (!fields) return
    if (old?.series_id && step === 'form') return setStep('save')
    save.mutate({ allowed: override, skip: false })
  }
  const problem = save.error
  const at = (pointer: string) => problem?.field(pointer)
  const wrong = problem?.details.errors ?? []
  const shownAtFields = wrong.length > 0 && wrong.every(({ pointer }) => FIELDS.test(pointer))
  const wrongEnd = tried && title.trim() && !fields ? t('endBeforeStart') : undefined

  if (step !== 'form')
    return (
      <Stack>
        <Radio.Group
          label={t(step === 'save' ? 'whichToSave' : 'whichToDelete')}
          description={t('partOfSeries')}
          value={scope}
          onChange={(value) => setScope(SCOPES.find((one) => one === value) ?? 'this')}
        >
          <Stack gap="sm" mt="sm">
            {SCOPES.map((one) => (
              <Radio key={one} value={one} label={t(`scope_${one}`)} />
            ))}
          </Stack>
        </Radio.Group>
        <Group>
          <Button
            color={step === 'delete' ? 'red' : undefined}
            loading={save.isPending || remove.isPending}
            onClick={() => (step === 'save' ? save.mutate({ allowed: override, skip: false }) : remove.mutate())}
          >
            {t(step === 'save' ? 'saveBlocked' : 'delete')}
          </Button>
          <Button variant="default" onClick={() => setStep('form')}>
            {t('back')}
          </Button>
        </Group>
      </Stack>
    )
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <TextInput
          label={t('title')}
          description={t('titleHint')}
          value={title}
          onChange={(event) => setTitle(event.currentTarget.value)}
          error={tried && !title.trim() ? t('titleMissing') : at('/title')}
          autoComplete="off"
          maxLength={200}
          data-autofocus
        />
        <Switch label={t('allDay')} checked={allDay} onChange={(event) => setAllDay(event.currentTarget.checked)} />
        {allDay ? (
          <div className={classes.pair}>
            <DateField
              label={t('fromDate')}
              value={date}
              onChange={(day) => {
                setDate(day)
                if (day > lastDay) setLastDay(day)
              }}
              error={at('/starts_at')}
            />
            <DateField
              label={t('toDate')}
              value={lastDay}
              onChange={setLastDay}
              min={date}
              error={wrongEnd ?? at('/ends_at')}
            />
          </div>
        ) : (
          <div className={classes.when}>
            <DateField label={t('date')} value={date} onChange={setDate} error={at('/starts_at')} />
            <TimeField label={t('from')} value={from} onChange={setFrom} every={booking.slot_interval_minutes} />
            <TimeField
              label={t('to')}
              value={to}
              onChange={setTo}
              every={booking.slot_interval_minutes}
              error={wrongEnd ?? at('/ends_at')}
            />
          </div>
        )}
        {calendars.length > 1 && (
          <Select
            label={t('calendar')}
            value={calendarId}
            onChange={(id) => setCalendarId(id ?? calendarId)}
            data={calendars.map(({ id, name }) => ({ value: id, label: name }))}
            allowDeselect={false}
            error={at('/calendar_id')}
          />
        )}
        {!old && (
          <RepeatFields value={repeat} onChange={setRepeat} rhythms={REPEATS} earliest={date} error={at('/rrule')} />
        )}
        <Textarea
          label={t('notes')}
          value={notes}
          onChange={(event) => setNotes(event.currentTarget.value)}
          autosize
          minRows={2}
          maxRows={8}
          error={at('/notes')}
        />
        {old?.series_id && (
          <Text size="sm" c="var(--quiet)">
            {t('partOfSeries')}
          </Text>
        )}
        {problem && isRefusal(problem) && (
          <Conflicts
            key={save.submittedAt}
            problem={problem}
            timeZone={zone}
            onAnyway={(more) => {
              setOverride(more)
              save.mutate({ allowed: more, skip: false })
            }}
            onSkip={!old && repeat.rhythm !== 'none' ? () => save.mutate({ allowed: {}, skip: true }) : undefined}
            anyway={t('blockAnyway')}
            busy={save.isPending}
          />
        )}
        {problem && !isRefusal(problem) && !shownAtFields && <Failure error={problem} />}
        <div className={classes.foot}>
          <Group grow={!old} justify="space-between">
            <Button type="submit" loading={save.isPending}>
              {t(old ? 'saveBlocked' : 'block')}
            </Button>
            {old && (
              <Button
                variant="subtle"
                color="red"
                loading={remove.isPending}
                onClick={() => (old.series_id ? setStep('delete') : remove.mutate())}
              >
                {t('delete')}
              </Button>
            )}
          </Group>
        </div>
      </Stack>
    </form>
  )
}

function endOf({ starts_at, minutes }: { starts_at: string; minutes: number }): string {
  return new Date(Date.parse(starts_at) + minutes * 60_000).toISOString()
}

function lastDayOf(begin: string, end: string, allDay: boolean, zone: string): string {
  const first = dateOf(begin, zone)
  if (!allDay) return first
  const last = addDays(dateOf(end, zone), -1)
  return last > first ? last : first
}

/** A block over midnight ends as many days later as before. */
function later(date: string, { starts_at, ends_at }: BlockedTime, zone: string): string {
  const days = (Date.parse(dateOf(ends_at, zone)) - Date.parse(dateOf(starts_at, zone))) / 86_400_000
  return addDays(date, days)
}

/** Only what is different, so that the members of a series keep what is their own. */
function changed(fields: Fields, old: BlockedTime): Partial<Fields> {
  const different: Partial<Fields> = {}
  if (fields.title !== old.title) different.title = fields.title
  if (fields.notes !== old.notes) different.notes = fields.notes
  if (fields.calendar_id !== old.calendar_id) different.calendar_id = fields.calendar_id
  const moved =
    fields.all_day !== old.all_day ||
    Date.parse(fields.starts_at) !== Date.parse(old.starts_at) ||
    Date.parse(fields.ends_at) !== Date.parse(old.ends_at)
  if (moved) Object.assign(different, { all_day: fields.all_day, starts_at: fields.starts_at, ends_at: fields.ends_at })
  return different
}

type Queries = ReturnType<typeof useQueryClient>

async function free(queries: Queries, id: string, scope: Scope): Promise<void> {
  await scheduling.DELETE('/v1/events/{event_id}', {
    params: { path: { event_id: id }, query: scope === 'this' ? {} : { scope } },
  })
  await queries.invalidateQueries({ queryKey: ['blocked-times'] })
}

async function remake(queries: Queries, old: BlockedTime, header: ReturnType<typeof idempotencyKey>): Promise<void> {
  const { title, starts_at, ends_at, all_day, calendar_id, notes } = old
  await body(
    scheduling.POST('/v1/events', {
      params: { header },
      body: { title, starts_at, ends_at, all_day, calendar_id, notes },
    }),
  )
  await queries.invalidateQueries({ queryKey: ['blocked-times'] })
}

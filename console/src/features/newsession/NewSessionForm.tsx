// The form that makes a session, or a series of them.
import {
  Button,
  ColorSwatch,
  Group,
  Input,
  NumberInput,
  SegmentedControl,
  Select,
  Skeleton,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useEffect, useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body as answerOf, clients, idempotencyKey } from '~/api/client'
import { useKeyFor } from '~/api/keyFor'
import type { Problem } from '~/api/problem'
import type { Client, NewSession, Session, SessionType } from '~/api/types'
import { useAccount, useCalendars, useSessionTypes } from '~/app/account'
import { dayAndTime, digits, money, time as timeText } from '~/i18n/format'
import { addDays, dateOf, moment, plusMinutes, timeOf } from '~/i18n/zone'
import { ButtonLink } from '~/ui/ButtonLink'
import { EmptyState } from '~/ui/EmptyState'
import { Failure } from '~/ui/Failure'
import { IconLock } from '~/ui/icons'
import { done } from '~/ui/toast'
import { ClientField } from './ClientField'
import { Conflicts, isRefusal } from './Conflicts'
import { readTime } from './clock'
import { createSeries, createSession, refresh, type Series, sessionOf, takeBack } from './create'
import { DateField } from './DateField'
import classes from './NewSession.module.css'
import type { Override } from './override'
import { RepeatFields } from './RepeatFields'
import { type Repeat, rruleOf } from './recurrence'
import { SeriesReport } from './SeriesReport'
import { TimeField } from './TimeField'
import './words'

const REPEATS = ['none', 'weekly', 'biweekly', 'monthly'] as const
const UNTIL_DAYS = 12 * 7

export type Initial = {
  /** The moment at which it starts. */
  start: string
  clientId?: string
  calendarId?: string
  /** A duration of its own, rather than the type's. */
  minutes?: number
}

type Props = { initial: Initial; onClose: () => void; onCreated: (session: Session) => void }

type Picked = Pick<Client, 'id' | 'name' | 'email'>
type Spot = { name: string; email: string; phone: string }
type Status = NonNullable<NewSession['status']>

export default function NewSessionForm(props: Props) {
  const { t } = useTranslation('newsession')
  const types = useSessionTypes()
  const calendars = useCalendars()
  const given = useQuery({
    queryKey: ['client', props.initial.clientId],
    queryFn: () =>
      answerOf(
        clients.GET('/v1/clients/{client_id}', { params: { path: { client_id: props.initial.clientId ?? '' } } }),
      ),
    enabled: props.initial.clientId !== undefined,
  })
  const failure = types.error ?? calendars.error
  if (failure)
    return <Failure error={failure} onRetry={() => void Promise.all([types.refetch(), calendars.refetch()])} />
  if (!types.data || !calendars.data || (props.initial.clientId && given.isPending))
    return (
      <Stack>
        {[0, 1, 2, 3].map((row) => (
          <Skeleton key={row} h={56} />
        ))}
      </Stack>
    )
  const offered = types.data.filter(({ active, retired_at }) => active && !retired_at)
  if (offered.length === 0)
    return (
      <EmptyState title={t('noTypes')} level={3}>
        <ButtonLink href="/setup/session-types">{t('toTypes')}</ButtonLink>
      </EmptyState>
    )
  return <Form {...props} types={offered} calendars={calendars.data} given={given.data ?? null} />
}

type FormProps = Props & {
  types: SessionType[]
  calendars: { id: string; name: string; is_default: boolean }[]
  given: Picked | null
}

function Form({ initial, onClose, onCreated, types, calendars, given }: FormProps) {
  const { t } = useTranslation('newsession')
  const { t: app } = useTranslation('app')
  const { timezone: zone, currency, booking, plan } = useAccount()
  const queries = useQueryClient()
  const statusLabel = useId()
  const only = types.length === 1 ? types[0] : undefined

  const [client, setClient] = useState<Picked | null>(given)
  const [spot, setSpot] = useState<Spot | null>(null)
  const [typeId, setTypeId] = useState<string | null>(only?.id ?? null)
  const [date, setDate] = useState(() => dateOf(initial.start, zone))
  const [time, setTime] = useState(() => timeOf(initial.start, zone))
  const [minutes, setMinutes] = useState<number | null>(initial.minutes ?? only?.duration_minutes ?? null)
  const [price, setPrice] = useState<number | null>(() => major(only?.price?.amount, currency))
  const [calendarId, setCalendarId] = useState(
    () => initial.calendarId ?? calendars.find(({ is_default }) => is_default)?.id ?? calendars[0]?.id ?? null,
  )
  const [notes, setNotes] = useState('')
  const [sessionNotes, setSessionNotes] = useState('')
  const [status, setStatus] = useState<Status>('confirmed')
  const [repeat, setRepeat] = useState<Repeat>(() => ({
    rhythm: 'none',
    endsBy: 'count',
    count: 10,
    until: addDays(dateOf(initial.start, zone), UNTIL_DAYS),
  }))
  const [tried, setTried] = useState(false)
  const [override, setOverride] = useState<{ of: string; allowed: Override }>({ of: '', allowed: {} })
  const [report, setReport] = useState<{ series: Series; first: Session | null }>()
  const keyFor = useKeyFor()
  const form = useRef<HTMLFormElement>(null)

  const type = types.find(({ id }) => id === typeId)
  const clock = readTime(time)
  const start = date && clock ? moment(date, clock, zone) : null
  const past = start !== null && Date.parse(start) < Date.now()
  const statuses: Status[] = past ? ['confirmed', 'pending', 'completed', 'no_show'] : ['confirmed', 'pending']
  const chosen = statuses.includes(status) ? status : 'confirmed'
  const length = minutes ?? type?.duration_minutes ?? null
  const places = calendars.filter(({ id }) => !type?.calendar_ids.length || type.calendar_ids.includes(id))
  const place = places.find(({ id }) => id === calendarId) ?? places[0]
  const rrule = rruleOf(repeat)
  // What was allowed is allowed for that time alone.
  const slot = `${start} ${length} ${place?.id} ${rrule}`
  const allowed = override.of === slot ? override.allowed : {}

  const create = useMutation<Session | Series, Problem, { override: Override; skip: boolean; at: string }>({
    mutationFn: ({ override: permitted, skip, at }) => {
      const wanted: NewSession = {
        service_id: typeId ?? '',
        starts_at: at,
        ...(spot ? { client: onTheSpot(spot) } : { client_id: client?.id ?? '' }),
        ...(length !== type?.duration_minutes && length ? { duration_minutes: length } : {}),
        ...(place ? { calendar_id: place.id } : {}),
        ...(notes.trim() ? { notes: notes.trim() } : {}),
        ...(sessionNotes.trim() ? { session_notes: sessionNotes.trim() } : {}),
        ...priceOf(price, type, currency),
        status: chosen,
        ...permitted,
      }
      const header = keyFor([wanted, rrule, skip])
      return rrule ? createSeries(wanted, rrule, skip ? 'skip' : 'fail', header) : createSession(wanted, header)
    },
    onSuccess: (made) => void finish(made),
  })

  const finish = async (made: Session | Series) => {
    if (!('occurrences' in made)) {
      onCreated(made)
      refresh(queries)
      const when = dayAndTime(made.starts_at, zone)
      done(t('created', { name: made.client.name, when }), () => back(made.id, 'this'))
      return
    }
    const created = made.occurrences.filter(({ session_id }) => session_id)
    const id = created[0]?.session_id
    const first = id ? await sessionOf(id) : null
    refresh(queries)
    if (first) done(t('createdSeries', { count: created.length, name: first.client.name }), () => back(first.id, 'all'))
    if (created.length < made.occurrences.length) setReport({ series: made, first })
    else if (first) onCreated(first)
  }
  const key = useRef(idempotencyKey())
  const back = async (id: string, scope: 'this' | 'all') => {
    await takeBack(id, t('undoReason'), scope, key.current)
    refresh(queries)
    void queries.invalidateQueries({ queryKey: ['session', id] })
  }

  const submit = (event?: FormEvent) => {
    event?.preventDefault()
    setTried(true)
    const complete = (spot ? spot.name.trim() : client) && type && start && length
    if (!complete || create.isPending) {
      // The first field that lacks something, once its error is drawn.
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
      return
    }
    create.mutate({ override: allowed, skip: false, at: start })
  }
  const again = (permitted: Override) => {
    setOverride({ of: slot, allowed: permitted })
    if (start) create.mutate({ override: permitted, skip: false, at: start })
  }
  const problem = create.error
  useEffect(() => {
    if (problem) form.current?.querySelector('[role="alert"]')?.scrollIntoView({ block: 'nearest' })
  }, [problem])
  const at = (pointer: string) => problem?.field(pointer) ?? problem?.field(`/template${pointer}`)
  const lacking = (missing: boolean, word: string) => (tried && missing ? t(word) : undefined)
  const shownAtFields =
    problem?.details.errors?.length && problem.details.errors.every(({ pointer }) => FIELDS.test(pointer))
  const deposit = type && plan === 'max' && depositOf(type, price, currency)

  const pickType = (id: string | null) => {
    const next = types.find((one) => one.id === id)
    setTypeId(id)
    if (!next) return
    if (!initial.minutes || type) setMinutes(next.duration_minutes)
    setPrice(major(next.price?.amount, currency))
  }

  if (report)
    return (
      <SeriesReport
        series={report.series}
        timeZone={zone}
        onDone={() => (report.first ? onCreated(report.first) : onClose())}
      />
    )
  return (
    <form ref={form} onSubmit={submit} noValidate className={classes.form}>
      <Stack gap="md">
        {spot ? (
          <Stack gap="sm" component="fieldset" m={0} p={0} style={{ border: 0 }}>
            <Group justify="space-between">
              <Text component="legend" size="sm" fw={600}>
                {t('newClient')}
              </Text>
              <Button variant="subtle" size="compact-xs" onClick={() => setSpot(null)}>
                {t('chooseExisting')}
              </Button>
            </Group>
            <TextInput
              label={t('name')}
              value={spot.name}
              onChange={(event) => setSpot({ ...spot, name: event.currentTarget.value })}
              error={lacking(!spot.name.trim(), 'nameMissing') ?? at('/client/name')}
              autoComplete="off"
              autoFocus={!spot.name}
            />
            <div className={classes.pair}>
              <TextInput
                type="email"
                label={t('email')}
                description={t('emailHint')}
                value={spot.email}
                onChange={(event) => setSpot({ ...spot, email: event.currentTarget.value })}
                error={at('/client/email')}
                autoComplete="off"
                autoFocus={!!spot.name}
              />
              <TextInput
                type="tel"
                label={t('phone')}
                description={app('optional')}
                value={spot.phone}
                onChange={(event) => setSpot({ ...spot, phone: event.currentTarget.value })}
                error={at('/client/phone')}
                autoComplete="off"
              />
            </div>
          </Stack>
        ) : (
          <ClientField
            value={client}
            onChange={setClient}
            onCreate={(typed) =>
              setSpot(
                typed.includes('@') ? { name: '', email: typed, phone: '' } : { name: typed, email: '', phone: '' },
              )
            }
            error={lacking(!client, 'clientMissing') ?? at('/client_id')}
          />
        )}
        <Select
          label={t('sessionType')}
          value={typeId}
          onChange={pickType}
          data={types.map(({ id, name: label }) => ({ value: id, label }))}
          leftSection={type && <ColorSwatch color={type.color} size={12} withShadow={false} />}
          allowDeselect={false}
          searchable={types.length > 7}
          description={deposit ? t('deposit', { deposit: money({ amount: deposit, currency }) }) : undefined}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          error={lacking(!type, 'typeMissing') ?? at('/service_id')}
        />
        <div className={classes.when}>
          <DateField label={t('date')} value={date} onChange={setDate} error={lacking(!date, 'dateMissing')} />
          <TimeField
            label={t('time')}
            value={time}
            onChange={setTime}
            every={booking.slot_interval_minutes}
            error={lacking(!clock, 'timeWrong') ?? at('/starts_at')}
          />
          <NumberInput
            label={t('duration')}
            value={minutes ?? ''}
            onChange={(value) => setMinutes(Number(value) || null)}
            min={1}
            max={1440}
            step={booking.slot_interval_minutes}
            allowDecimal={false}
            allowNegative={false}
            error={lacking(!length, 'durationWrong') ?? at('/duration_minutes')}
          />
        </div>
        {start && length && (
          <Text size="sm" c="var(--quiet)" mt={-8}>
            {clock !== timeOf(start, zone) && `${t('clockJumps', { time: clock, real: timeOf(start, zone) })} `}
            {t('ends', { when: timeText(plusMinutes(start, length), zone), zone })}
          </Text>
        )}
        <div className={classes.pair}>
          {calendars.length > 1 && (
            <Select
              label={t('calendar')}
              value={place?.id ?? null}
              onChange={setCalendarId}
              data={places.map(({ id, name: label }) => ({ value: id, label }))}
              allowDeselect={false}
              error={at('/calendar_id')}
            />
          )}
          {(type?.price || price !== null) && (
            <NumberInput
              label={t('price', { currency })}
              value={price ?? ''}
              onChange={(value) => setPrice(value === '' ? null : Number(value))}
              min={0}
              decimalScale={digits(currency)}
              fixedDecimalScale
              allowNegative={false}
              error={at('/price/amount') ?? at('/price')}
            />
          )}
        </div>
        <div className={classes.pair}>
          <Textarea
            label={t('notes')}
            description={t('notesHint')}
            value={notes}
            onChange={(event) => setNotes(event.currentTarget.value)}
            autosize
            minRows={3}
            maxRows={8}
            error={at('/notes')}
          />
          <Textarea
            label={
              <>
                <IconLock size={14} aria-hidden className={classes.lock} />
                {t('sessionNotes')}
              </>
            }
            description={t('sessionNotesHint')}
            value={sessionNotes}
            onChange={(event) => setSessionNotes(event.currentTarget.value)}
            autosize
            minRows={3}
            maxRows={8}
            classNames={{ input: classes.private }}
            error={at('/session_notes')}
          />
        </div>
        <div>
          <Input.Label id={statusLabel} labelElement="div">
            {t('status')}
          </Input.Label>
          <SegmentedControl
            aria-labelledby={statusLabel}
            value={chosen}
            onChange={(value) => setStatus(statuses.find((one) => one === value) ?? 'confirmed')}
            data={statuses.map((value) => ({ value, label: app(value) }))}
            fullWidth
          />
          {chosen === 'pending' && (
            <Text size="xs" c="var(--quiet)" mt={4}>
              {t('pendingHint')}
            </Text>
          )}
        </div>
        <RepeatFields
          value={repeat}
          onChange={setRepeat}
          rhythms={REPEATS}
          earliest={date}
          error={problem?.field('/rrule')}
        />
        {problem && isRefusal(problem) && (
          <Conflicts
            key={create.submittedAt}
            problem={problem}
            timeZone={zone}
            calendars={
              calendars.length > 1 ? Object.fromEntries(calendars.map((one) => [one.id, one.name])) : undefined
            }
            onPick={
              rrule
                ? undefined
                : (alternative) => {
                    setDate(dateOf(alternative.starts_at, zone))
                    setTime(timeOf(alternative.starts_at, zone))
                    setCalendarId(alternative.calendar_id)
                    create.reset()
                  }
            }
            already={allowed}
            onAnyway={again}
            onSkip={rrule ? () => start && create.mutate({ override: {}, skip: true, at: start }) : undefined}
            busy={create.isPending}
          />
        )}
        {problem && !isRefusal(problem) && !shownAtFields && <Failure error={problem} />}
        <div className={classes.foot}>
          <Button type="submit" fullWidth loading={create.isPending}>
            {rrule ? t('createSeries') : t('create')}
          </Button>
        </div>
      </Stack>
    </form>
  )
}

const FIELDS =
  /^(\/template)?\/(client\/(name|email|phone)|client_id|service_id|starts_at|duration_minutes|calendar_id|notes|session_notes|price(\/amount)?)$|^\/rrule$/

function onTheSpot({ name, email, phone }: Spot) {
  return {
    name: name.trim(),
    ...(email.trim() ? { email: email.trim() } : {}),
    ...(phone.trim() ? { phone: phone.trim() } : {}),
  }
}

function major(amount: number | undefined, currency: string): number | null {
  return amount === undefined ? null : amount / 10 ** digits(currency)
}

/** The price of its own, where it is not the type's. */
function priceOf(price: number | null, type: SessionType | undefined, currency: string): Pick<NewSession, 'price'> {
  if (price === null || !type) return {}
  const amount = Math.round(price * 10 ** digits(currency))
  return amount === type.price?.amount ? {} : { price: { amount, currency } }
}

/** What will be asked, as far as this page can tell: payments rounds it. */
function depositOf(type: SessionType, price: number | null, currency: string): number | null {
  if (!type.deposit) return null
  if (type.deposit.type === 'fixed') return type.deposit.amount
  const whole = price === null ? (type.price?.amount ?? 0) : price * 10 ** digits(currency)
  return Math.round((whole * type.deposit.percent) / 100)
}

// The calendar that a provider works in.
import './words'
import { Skeleton, Text } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { lazy, type ReactNode, Suspense, useCallback, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSearchParams } from 'wouter'
import type { Session, SessionType } from '~/api/types'
import { useAccount, useCalendars, useSessionTypes } from '~/app/account'
import { useKeys } from '~/app/keys'
import { language } from '~/i18n'
import { dateOf, moment, today as todayIn } from '~/i18n/zone'
import { ButtonLink } from '~/ui/ButtonLink'
import { Failure } from '~/ui/Failure'
import type { Subject } from '../blocked/block'
import classes from './CalendarPage.module.css'
import { type Entry, entriesOf, type Shown, shades } from './entries'
import { nextFree } from './free'
import { Grid, type Spot } from './Grid'
import { opening } from './hours'
import { useMoves } from './moves'
import { spanOf, takeIn, useBlockedTimesOf, useOthersChanges, useSessionsOf } from './range'
import { ShownButton } from './ShownButton'
import { useCancelledShown, useHiddenCalendars } from './shown'
import { Toolbar } from './Toolbar'
import { daysOf, isView, rememberView, stepped, titleOf, usualView, type View } from './views'

const NewSessionForm = lazy(() => import('../newsession/NewSessionForm'))
const SideDrawer = lazy(() => import('~/ui/SideDrawer').then((file) => ({ default: file.SideDrawer })))
const SlotMenu = lazy(() => import('./SlotMenu'))
const Agenda = lazy(() => import('./Agenda'))
const BlockForm = lazy(() => import('../blocked/BlockForm'))
const RefusedMove = lazy(() => import('./RefusedMove'))
const SessionPanel = lazy(() => import('~/features/session/SessionPanel'))

const NARROW = '(max-width: 48em)'
const USUAL_BLOCK_MINUTES = 60
const NOTHING: never[] = []

export default function CalendarPage() {
  const { t } = useTranslation('calendar')
  const { timezone: zone, booking } = useAccount()
  const queries = useQueryClient()
  const narrow = useMediaQuery(NARROW, window.matchMedia(NARROW).matches) ?? false
  const [params, setParams] = useSearchParams()
  const [asked, setAsked] = useState<Spot | null>(null)
  const [block, setBlock] = useState<Subject | null>(null)
  const [hidden, toggleCalendar] = useHiddenCalendars()
  const [withCancelled, toggleCancelled] = useCancelledShown()
  const types = useSessionTypes()
  const calendars = useCalendars()

  const wishedView = params.get('view')
  const view = isView(wishedView) ? wishedView : usualView(narrow)
  const wishedDate = params.get('date')
  const date = wishedDate && /^\d{4}-\d\d-\d\d$/.test(wishedDate) ? wishedDate : todayIn(zone)
  const days = useMemo(() => daysOf(view, date), [view, date])
  const span = useMemo(() => spanOf(days, zone), [days, zone])
  const sessions = useSessionsOf(span)
  const blocked = useBlockedTimesOf(span)
  const others = useOthersChanges()
  const moves = useMoves(zone)

  const set = useCallback(
    (fields: Record<string, string | null>) =>
      setParams(
        (now) => {
          const next = new URLSearchParams(now)
          for (const [name, value] of Object.entries(fields)) {
            if (value === null) next.delete(name)
            else next.set(name, value)
          }
          return next
        },
        { replace: !('session' in fields) },
      ),
    [setParams],
  )

  const shown = useMemo(() => (calendars.data ?? NOTHING).filter(({ id }) => !hidden.has(id)), [calendars.data, hidden])
  const content = useMemo(
    (): Shown => ({
      sessions: sessions.data ?? NOTHING,
      blocked: blocked.data ?? NOTHING,
      calendars: shown,
      withCancelled,
    }),
    [sessions.data, blocked.data, shown, withCancelled],
  )
  const { entries, readyAt } = useMemo(() => {
    const began = performance.now()
    if (view === 'list') return { entries: NOTHING, readyAt: began }
    return {
      entries: [...entriesOf(content, (at) => dateOf(at, zone)), ...shades(view, days, shown)],
      readyAt: began,
    }
  }, [content, shown, view, days, zone])
  const opensAt = useMemo(() => opening(days, shown), [days, shown])

  const go = (to: string, wanted: View = view) => {
    if (wanted !== view) rememberView(wanted)
    set({ date: to === todayIn(zone) ? null : to, view: wanted })
  }
  const show = (wanted: View) => go(date, wanted)
  const step = (by: 1 | -1) => go(stepped(view, date, by))
  const openNew = (fields: { start: string; minutes?: number | null; calendar?: string }) =>
    set({
      new: '',
      start: fields.start,
      minutes: fields.minutes ? String(fields.minutes) : null,
      calendar: fields.calendar ?? null,
      client: null,
      session: null,
    })
  const closeNew = () => set({ new: null, start: null, minutes: null, calendar: null, client: null })
  const usualCalendar = shown.find(({ is_default }) => is_default) ?? shown[0]
  const nextStart = () => {
    const now = todayIn(zone)
    const from = days.from <= now && now < days.to ? new Date().toISOString() : moment(days.from, '00:00', zone)
    const busy = [
      ...(sessions.data ?? NOTHING).filter((one) => one.status !== 'cancelled'),
      ...(blocked.data ?? NOTHING),
    ].filter((one) => one.calendar_id === usualCalendar?.id)
    return nextFree(from, booking.slot_interval_minutes, usualMinutes(types.data), usualCalendar, busy, zone)
  }
  const fromScratch = () => openNew({ start: nextStart(), calendar: only(shown) })

  useKeys({
    n: fromScratch,
    t: () => go(todayIn(zone)),
    arrowleft: () => step(-1),
    arrowright: () => step(1),
    d: () => show('day'),
    w: () => show('week'),
    m: () => show('month'),
    l: () => show('list'),
  })

  const open = (entry: Entry) => {
    if (entry.kind === 'session') set({ session: entry.session.id, new: null })
    else setBlock({ kind: 'old', event: entry.event })
  }

  const created = (session: Session) => {
    takeIn(queries, [session])
    const on = dateOf(session.starts_at, zone)
    const elsewhere = on < days.from || on >= days.to
    set({
      new: null,
      start: null,
      minutes: null,
      calendar: null,
      client: null,
      ...(elsewhere ? { date: on === todayIn(zone) ? null : on } : {}),
    })
  }
  const makingNew = params.has('new')
  const initial = useMemo(() => {
    const start = params.get('start')
    return {
      start: start && !Number.isNaN(Date.parse(start)) ? new Date(start).toISOString() : null,
      clientId: params.get('client') ?? undefined,
      calendarId: params.get('calendar') ?? undefined,
      minutes: Number(params.get('minutes')) || undefined,
    }
  }, [params])

  const title = titleOf(view, date, language(), narrow)
  const failure = sessions.error ?? others.error ?? blocked.error ?? calendars.error
  const retry = () => {
    for (const query of [sessions, others, blocked, calendars]) if (query.isError) void query.refetch()
  }
  const sessionId = params.get('session')
  const names =
    calendars.data && calendars.data.length > 1
      ? Object.fromEntries(calendars.data.map((one) => [one.id, one.name]))
      : undefined
  const ready = calendars.data && (sessions.data || sessions.isError)

  return (
    <div className={classes.page}>
      <Toolbar
        title={title}
        view={view}
        onView={show}
        onToday={() => go(todayIn(zone))}
        onStep={step}
        onNew={fromScratch}
      >
        <ShownButton
          calendars={calendars.data ?? NOTHING}
          hidden={hidden}
          onToggle={toggleCalendar}
          withCancelled={withCancelled}
          onCancelled={toggleCancelled}
        />
      </Toolbar>
      {failure && <Failure error={failure} onRetry={retry} />}
      {types.data?.length === 0 && (
        <Text className={classes.note} size="sm">
          {t('noTypes')}{' '}
          <ButtonLink href="/setup/session-types" variant="subtle" size="compact-sm">
            {t('toTypes')}
          </ButtonLink>
        </Text>
      )}
      {calendars.data && shown.length === 0 && (
        <Text className={classes.note} size="sm" c="var(--quiet)">
          {t('noCalendars')}
        </Text>
      )}
      <div className={classes.grid}>
        {ready && view === 'list' && (
          <Suspense fallback={<Skeleton h="100%" radius={0} />}>
            <Agenda days={days} today={todayIn(zone)} timeZone={zone} shown={content} onOpen={open} />
          </Suspense>
        )}
        {ready && view !== 'list' && (
          <Grid
            view={view}
            date={date}
            timeZone={zone}
            snapMinutes={booking.slot_interval_minutes}
            opensAt={opensAt}
            entries={entries}
            readyAt={readyAt}
            asking={asked !== null}
            onSpot={setAsked}
            onOpen={open}
            onMove={moves.move}
            onDay={(day) => go(day, 'day')}
          />
        )}
        {!ready && <Skeleton h="100%" radius={0} />}
      </div>
      <Opened by={asked !== null}>
        <SlotMenu
          spot={asked}
          timeZone={zone}
          onClose={() => setAsked(null)}
          onSession={(spot) =>
            openNew({
              start: spot.allDay ? moment(dateOf(spot.starts_at, zone), opensAt, zone) : spot.starts_at,
              minutes: spot.allDay ? null : spot.minutes,
              calendar: only(shown),
            })
          }
          onBlock={(spot) =>
            setBlock({
              kind: 'new',
              starts_at: spot.starts_at,
              minutes: spot.minutes ?? (spot.allDay ? 24 * 60 : USUAL_BLOCK_MINUTES),
              allDay: spot.allDay,
              calendarId: usualCalendar?.id,
            })
          }
        />
      </Opened>
      <Opened by={makingNew}>
        <SideDrawer opened={makingNew} onClose={closeNew} title={t('newSession')}>
          <Suspense fallback={<Skeleton h={320} />}>
            {makingNew && (
              <NewSessionForm
                initial={{ ...initial, start: initial.start ?? nextStart() }}
                onClose={closeNew}
                onCreated={created}
              />
            )}
          </Suspense>
        </SideDrawer>
      </Opened>
      {block && (
        <Suspense fallback={null}>
          <BlockForm subject={block} onClose={() => setBlock(null)} />
        </Suspense>
      )}
      <Opened by={moves.refused !== null}>
        <SideDrawer
          opened={moves.refused !== null}
          onClose={moves.forget}
          title={
            moves.refused ? t(moves.refused.pulled ? 'cannotLast' : 'cannotMove', { name: moves.refused.name }) : ''
          }
        >
          <Suspense fallback={<Skeleton h={160} />}>
            {moves.refused && <RefusedMove refused={moves.refused} timeZone={zone} calendars={names} />}
          </Suspense>
        </SideDrawer>
      </Opened>
      {sessionId && (
        <Suspense fallback={null}>
          <SessionPanel sessionId={sessionId} onClose={() => set({ session: null })} />
        </Suspense>
      )}
    </div>
  )
}

/** What opens over the grid is loaded when it first opens, and stays, so that it can close as it should. */
function Opened({ by, children }: { by: boolean; children: ReactNode }) {
  const [ever, setEver] = useState(by)
  if (by && !ever) setEver(true)
  return ever ? <Suspense fallback={null}>{children}</Suspense> : null
}

/** For how long something new will be: most types fit into an hour. */
function usualMinutes(types: readonly SessionType[] | undefined): number {
  return Math.min(60, Math.max(15, ...(types ?? []).map((one) => one.duration_minutes)))
}

/** The one calendar that is shown; of several the form asks. */
function only(calendars: readonly { id: string }[]): string | undefined {
  return calendars.length === 1 ? calendars[0]?.id : undefined
}

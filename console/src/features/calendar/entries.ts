// Sessions, blocked time and closed hours in the terms of the grid that draws them.
import type { EventInput } from '@fullcalendar/react'
import type { BlockedTime, Calendar, Session } from '~/api/types'
import { closed } from './hours'
import type { Days, View } from './views'

export type Entry = { kind: 'session'; session: Session } | { kind: 'blocked'; event: BlockedTime }

const known = new WeakMap<Session | BlockedTime, EventInput>()

/** Made once for each answer of the service, so that what did not change is not drawn again. */
function remembered<T extends Session | BlockedTime>(of: T, make: (of: T) => EventInput): EventInput {
  let made = known.get(of)
  if (!made) {
    made = make(of)
    known.set(of, made)
  }
  return made
}

function sessionEntry(session: Session): EventInput {
  // What took place, or was called off, is no longer moved about.
  const movable = session.status === 'pending' || session.status === 'confirmed'
  return {
    id: session.id,
    start: session.starts_at,
    end: session.ends_at,
    title: session.client.name,
    color: session.service.color,
    startEditable: movable,
    durationEditable: movable,
    extendedProps: { kind: 'session', session } satisfies Entry,
  }
}

function blockedEntry(event: BlockedTime): EventInput {
  return {
    id: event.id,
    start: event.starts_at,
    end: event.ends_at,
    allDay: event.all_day,
    title: event.title,
    extendedProps: { kind: 'blocked', event } satisfies Entry,
  }
}

/** A whole day's block begins and ends on dates, not at moments. */
function wholeDays(event: BlockedTime, dateOf: (at: string) => string): EventInput {
  return { ...blockedEntry(event), start: dateOf(event.starts_at), end: dateOf(event.ends_at) }
}

export type Shown = {
  sessions: readonly Session[]
  blocked: readonly BlockedTime[]
  calendars: readonly Calendar[]
  withCancelled: boolean
}

/** What is switched on, of all that there is. */
export function ofShown({ sessions, blocked, calendars, withCancelled }: Shown): Entry[] {
  const visible = new Set(calendars.map(({ id }) => id))
  return [
    ...sessions
      .filter((one) => visible.has(one.calendar_id) && (withCancelled || one.status !== 'cancelled'))
      .map((session): Entry => ({ kind: 'session', session })),
    ...blocked.filter((one) => visible.has(one.calendar_id)).map((event): Entry => ({ kind: 'blocked', event })),
  ]
}

export function entriesOf(shown: Shown, dateOf: (at: string) => string): EventInput[] {
  return ofShown(shown).map((entry) => {
    if (entry.kind === 'session') return remembered(entry.session, sessionEntry)
    return remembered(entry.event, entry.event.all_day ? (event) => wholeDays(event, dateOf) : blockedEntry)
  })
}

/** The shade over the hours in which no calendar that is shown works; a month knows whole days only. */
export function shades(view: View, days: Days, calendars: readonly Calendar[]): EventInput[] {
  if (calendars.length === 0) return []
  return closed(days, calendars).flatMap(({ date, spans }): EventInput[] =>
    view === 'month'
      ? spans.some(({ start, end }) => start === '00:00' && end === '24:00')
        ? [{ start: date, allDay: true, display: 'background' }]
        : []
      : spans.map(({ start, end }) => ({
          start: `${date}T${start}:00`,
          end: `${date}T${end === '24:00' ? '23:59:59' : `${end}:00`}`,
          display: 'background',
        })),
  )
}

// Blocked time as its form holds it: days and clock times on the practice's wall.
import type { BlockedTime } from '~/api/types'
import { addDays, dateOf, moment, plusMinutes, startOf, timeOf } from '~/i18n/zone'
import { readTime } from '../newsession/clock'
import type { Repeat } from '../newsession/recurrence'

/** Time to block anew, or what is blocked already. */
export type Subject =
  | { kind: 'new'; starts_at: string; minutes: number; allDay: boolean; calendarId: string | undefined }
  | { kind: 'old'; event: BlockedTime }

export type Values = {
  title: string
  allDay: boolean
  from: string
  start: string
  /** Of whole days the last. */
  to: string
  end: string
  /** Empty: the default one. */
  calendarId: string
  notes: string
  repeat: Repeat
}

/** What the service takes. */
export type Fields = Pick<BlockedTime, 'title' | 'starts_at' | 'ends_at' | 'all_day' | 'notes' | 'calendar_id'>

export function valuesOf(subject: Subject, zone: string): Values {
  const { starts_at, ends_at, all_day, title, calendar_id, notes } =
    subject.kind === 'old' ? subject.event : fresh(subject)
  const from = dateOf(starts_at, zone)
  return {
    title,
    allDay: all_day,
    from,
    start: all_day ? '09:00' : timeOf(starts_at, zone),
    to: dateOf(all_day ? plusMinutes(ends_at, -1) : ends_at, zone),
    end: all_day ? '17:00' : timeOf(ends_at, zone),
    calendarId: calendar_id,
    notes,
    repeat: { rhythm: 'none', endsBy: 'count', count: 10, until: addDays(from, 12 * 7) },
  }
}

function fresh({ starts_at, minutes, allDay, calendarId }: Extract<Subject, { kind: 'new' }>): Fields {
  const ends_at = plusMinutes(starts_at, minutes)
  return { title: '', starts_at, ends_at, all_day: allDay, notes: '', calendar_id: calendarId ?? '' }
}

/** The same beginning on another day, as many days long as before. */
export function withStart(values: Values, from: string): Values {
  if (!from || !values.from || !values.to) return { ...values, from }
  const days = Math.round((Date.parse(from) - Date.parse(values.from)) / 86_400_000)
  return { ...values, from, to: addDays(values.to, days) }
}

/** Null while something is missing, or ends before it starts. */
export function fieldsOf(
  { title, allDay, from, start, to, end, calendarId, notes }: Values,
  zone: string,
): Fields | null {
  if (!title.trim() || !from || !to) return null
  const rest = { title: title.trim(), all_day: allDay, notes: notes.trim(), calendar_id: calendarId }
  if (allDay) {
    if (to < from) return null
    return { ...rest, starts_at: startOf(from, zone), ends_at: startOf(addDays(to, 1), zone) }
  }
  const [starts, ends] = [readTime(start), readTime(end)]
  if (!starts || !ends) return null
  // Midnight of the same day is meant to be the one at its end.
  const last = ends === '00:00' && to === from ? addDays(to, 1) : to
  const span = { starts_at: moment(from, starts, zone), ends_at: moment(last, ends, zone) }
  return Date.parse(span.ends_at) > Date.parse(span.starts_at) ? { ...rest, ...span } : null
}

/** Only what is different, so that the members of a series keep what is their own. */
export function changed(fields: Fields, old: BlockedTime): Partial<Fields> {
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

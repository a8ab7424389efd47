// Blocked time as the form holds it: days and clock times on the practice's wall.
import type { BlockedTime } from '~/api/types'
import { addDays, dateOf, moment, plusMinutes, startOf, timeOf, today } from '~/i18n/zone'
import { clock } from '../parts/ClockField'
import type { Recurrence } from './recurrence'

export type Block = Recurrence & {
  title: string
  allDay: boolean
  from: string
  start: string
  to: string
  end: string
  /** empty: the default one */
  calendar: string
  notes: string
}

const once: Recurrence = { repeat: 'none', ends: 'never', count: 10, until: '' }

export function freshBlock(timeZone: string): Block {
  const day = addDays(today(timeZone), 1)
  return {
    ...once,
    title: '',
    allDay: false,
    from: day,
    start: '12:00',
    to: day,
    end: '13:00',
    calendar: '',
    notes: '',
  }
}

export function blockOf(event: BlockedTime, timeZone: string): Block {
  const { title, all_day, starts_at, ends_at, calendar_id, notes } = event
  return {
    ...once,
    title,
    allDay: all_day,
    from: dateOf(starts_at, timeZone),
    start: all_day ? '09:00' : timeOf(starts_at, timeZone),
    // An event of whole days ends at the midnight after its last.
    to: dateOf(all_day ? plusMinutes(ends_at, -1) : ends_at, timeZone),
    end: all_day ? '17:00' : timeOf(ends_at, timeZone),
    calendar: calendar_id,
    notes,
  }
}

export function blockBody({ title, allDay, from, start, to, end, calendar, notes }: Block, timeZone: string) {
  return {
    title,
    all_day: allDay,
    starts_at: allDay ? startOf(from, timeZone) : moment(from, clock(start), timeZone),
    ends_at: allDay ? startOf(addDays(to, 1), timeZone) : moment(to, clock(end), timeZone),
    ...(calendar && { calendar_id: calendar }),
    notes,
  }
}

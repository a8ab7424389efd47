// When nobody works: what is shaded between the working hours of the calendars that are shown.
import type { Calendar } from '~/api/types'
import { addDays } from '~/i18n/zone'
import type { Days } from './views'

const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const DAY_END = '24:00'

/** A span of one day on the wall, "09:00" to "17:00". */
type Hours = { start: string; end: string }

/** What is closed on each day: a day on which no calendar of these works is closed from 00:00 to 24:00. */
export function closed(days: Days, calendars: readonly Calendar[]): { date: string; spans: Hours[] }[] {
  const found = []
  for (let date = days.from; date < days.to; date = addDays(date, 1)) {
    const open = calendars.flatMap((calendar) => hoursOn(calendar, date))
    found.push({ date, spans: between(open) })
  }
  return found
}

/** The earliest opening of some days, "09:00" where there is none. */
export function opening(days: Days, calendars: readonly Calendar[]): string {
  let earliest: string | undefined
  for (let date = days.from; date < days.to; date = addDays(date, 1)) {
    for (const calendar of calendars) {
      for (const { start } of hoursOn(calendar, date)) if (!earliest || start < earliest) earliest = start
    }
  }
  return earliest ?? '09:00'
}

export function hoursOn(calendar: Calendar, date: string): Hours[] {
  const override = calendar.overrides.find((one) => one.date === date)
  if (override) return override.hours
  const weekday = WEEKDAYS[new Date(`${date}T12:00:00Z`).getUTCDay()]
  return calendar.working_hours.filter((one) => one.weekday === weekday)
}

function between(open: readonly Hours[]): Hours[] {
  const gaps: Hours[] = []
  let at = '00:00'
  for (const { start, end } of [...open].sort((a, b) => a.start.localeCompare(b.start))) {
    if (start > at) gaps.push({ start: at, end: start })
    if (end > at) at = end
  }
  if (at < DAY_END) gaps.push({ start: at, end: DAY_END })
  return gaps
}

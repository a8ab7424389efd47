// The next start that is free, as far as this page knows, for a session made from scratch.

import type { Calendar } from '~/api/types'
import { addDays, dateOf, moment, plusMinutes, timeOf } from '~/i18n/zone'
import { hoursOn } from './hours'

type Span = { starts_at: string; ends_at: string }

const DAYS_AHEAD = 21

/** The first step of the grid at or after `from` at which `minutes` lie within a calendar's hours and beside all that is `taken`. */
export function nextFree(
  from: string,
  every: number,
  minutes: number,
  calendar: Calendar | undefined,
  taken: readonly Span[],
  zone: string,
): string {
  const fallback = firstStep(from, every, zone)
  if (!calendar) return fallback
  const busy = taken.map(({ starts_at, ends_at }) => [Date.parse(starts_at), Date.parse(ends_at)] as const)
  const first = dateOf(from, zone)
  for (let ahead = 0; ahead < DAYS_AHEAD; ahead += 1) {
    const date = addDays(first, ahead)
    for (const { start, end } of [...hoursOn(calendar, date)].sort((a, b) => a.start.localeCompare(b.start))) {
      const closes = end === '24:00' ? moment(addDays(date, 1), '00:00', zone) : moment(date, end, zone)
      for (let at = moment(date, start, zone); at < closes; at = plusMinutes(at, every)) {
        const begins = Date.parse(at)
        if (begins < Date.parse(from)) continue
        const ends = begins + minutes * 60_000
        if (ends > Date.parse(closes)) break
        if (!busy.some(([from, to]) => from < ends && to > begins)) return at
      }
    }
  }
  return fallback
}

function firstStep(from: string, every: number, zone: string): string {
  const [hours = 0, minutes = 0] = timeOf(from, zone).split(':').map(Number)
  const past = (hours * 60 + minutes) % every
  const whole = new Date(Math.floor(Date.parse(from) / 60_000) * 60_000).toISOString()
  return past === 0 && Date.parse(whole) === Date.parse(from) ? whole : plusMinutes(whole, every - past)
}

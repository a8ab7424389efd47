// Spans of days that the figures are for, as the practice's own calendar has them.
import { Temporal } from 'temporal-polyfill'
import { startOf, today } from '~/i18n/zone'

export const RANGES = ['today', 'week', 'month'] as const
export type Range = (typeof RANGES)[number]

export function isRange(text: string | null): text is Range {
  return RANGES.some((range) => range === text)
}

/** The first day of the range that is on now, and the first day after it. Weeks begin on Monday. */
export function daysOf(range: Range, timeZone: string): { first: string; after: string } {
  const now = Temporal.PlainDate.from(today(timeZone))
  const first =
    range === 'today' ? now : range === 'week' ? now.subtract({ days: now.dayOfWeek - 1 }) : now.with({ day: 1 })
  const after = first.add(range === 'today' ? { days: 1 } : range === 'week' ? { weeks: 1 } : { months: 1 })
  return { first: first.toString(), after: after.toString() }
}

/** The same as moments, half-open, as the services take them. */
export function momentsOf(range: Range, timeZone: string): { from: string; to: string } {
  const { first, after } = daysOf(range, timeZone)
  return { from: startOf(first, timeZone), to: startOf(after, timeZone) }
}

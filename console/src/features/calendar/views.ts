// Which days a view shows, and what it is called.
import { addDays } from '~/i18n/zone'

export const VIEWS = ['day', 'week', 'month', 'list'] as const
export type View = (typeof VIEWS)[number]

/** Days on the wall, the end exclusive. */
export type Days = { from: string; to: string }

const LIST_DAYS = 14
const MONTH_DAYS = 42
const REMEMBERED = 'timeblu.calendar.view'

export function daysOf(view: View, date: string): Days {
  if (view === 'day') return { from: date, to: addDays(date, 1) }
  if (view === 'list') return { from: date, to: addDays(date, LIST_DAYS) }
  const from = monday(view === 'month' ? `${date.slice(0, 8)}01` : date)
  return { from, to: addDays(from, view === 'month' ? MONTH_DAYS : 7) }
}

/** The date that the arrows lead to. */
export function stepped(view: View, date: string, by: 1 | -1): string {
  if (view === 'day') return addDays(date, by)
  if (view === 'week') return addDays(date, 7 * by)
  if (view === 'list') return addDays(date, LIST_DAYS * by)
  const [year = 0, month = 1] = date.split('-').map(Number)
  const at = new Date(Date.UTC(year, month - 1 + by, 1))
  return at.toISOString().slice(0, 10)
}

/** "27 November 2026", "23 – 29 November 2026", "November 2026" */
export function titleOf(view: View, date: string, language: 'en' | 'de', narrow: boolean): string {
  const locale = language === 'de' ? 'de-DE' : 'en-GB'
  const month = narrow ? 'short' : 'long'
  const at = (day: string) => new Date(`${day}T12:00:00Z`)
  if (view === 'month')
    return new Intl.DateTimeFormat(locale, { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(at(date))
  if (view === 'day')
    return new Intl.DateTimeFormat(locale, {
      weekday: narrow ? 'short' : 'long',
      day: 'numeric',
      month,
      year: 'numeric',
      timeZone: 'UTC',
    }).format(at(date))
  const { from, to } = daysOf(view, date)
  const last = addDays(to, -1)
  // Two months' names side by side are too long to be read at a glance.
  const written = from.slice(0, 7) === last.slice(0, 7) ? month : 'short'
  return new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: written,
    year: 'numeric',
    timeZone: 'UTC',
  }).formatRange(at(from), at(last))
}

export function isView(wanted: string | null): wanted is View {
  return (VIEWS as readonly (string | null)[]).includes(wanted)
}

/** The view that this person looked at last; a narrow screen has no room for a week. */
export function usualView(narrow: boolean): View {
  const remembered = localStorage.getItem(REMEMBERED)
  if (narrow) return remembered === 'list' ? 'list' : 'day'
  return isView(remembered) ? remembered : 'week'
}

export function rememberView(view: View): void {
  localStorage.setItem(REMEMBERED, view)
}

function monday(date: string): string {
  const weekday = new Date(`${date}T12:00:00Z`).getUTCDay()
  return addDays(date, -((weekday + 6) % 7))
}

// Working hours as the form holds them: spans by weekday.
import type { Calendar } from '~/api/types'

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof WEEKDAYS)[number]

/** `id` tells rows apart while they are typed in. */
export type Span = { id: string; start: string; end: string }
export type Week = Record<Weekday, Span[]>
export type DayOff = { id: string; date: string; hours: Span[] }

export function span(start: string, end: string): Span {
  return { id: crypto.randomUUID(), start, end }
}

export function weekOf(hours: Calendar['working_hours']): Week {
  const of = (weekday: Weekday) =>
    hours.filter((each) => each.weekday === weekday).map(({ start, end }) => span(start, end))
  return {
    mon: of('mon'),
    tue: of('tue'),
    wed: of('wed'),
    thu: of('thu'),
    fri: of('fri'),
    sat: of('sat'),
    sun: of('sun'),
  }
}

export function flat(week: Week) {
  return WEEKDAYS.flatMap((weekday) => week[weekday].map(({ start, end }) => ({ weekday, start, end })))
}

export function datesOf(overrides: Calendar['overrides']): DayOff[] {
  return overrides
    .map(({ date, hours }) => ({
      id: crypto.randomUUID(),
      date,
      hours: hours.map(({ start, end }) => span(start, end)),
    }))
    .sort((one, other) => one.date.localeCompare(other.date))
}

/** What is wrong with hours, by the id of the span or date that it is about: the services count them through. */
export function misplaced(errors: Record<string, string>, week: Week, dates: DayOff[]): Record<string, string> {
  const spans = WEEKDAYS.flatMap((weekday) => week[weekday])
  const found: Record<string, string> = {}
  for (const [name, says] of Object.entries(errors)) {
    const [field, index, , position] = name.split('.')
    const date = dates[Number(index)]
    const id =
      field === 'working_hours'
        ? spans[Number(index)]?.id
        : field === 'overrides'
          ? (date?.hours[Number(position)]?.id ?? date?.id)
          : undefined
    if (id) found[id] = says
  }
  return found
}

/** A span that follows those of a day: the afternoon after a morning. */
export function next(spans: Span[]): Span {
  const last = spans.at(-1)?.end
  if (!last) return span('09:00', '17:00')
  const hour = Number(last.slice(0, 2))
  const two = (value: number) => `${String(Math.min(value, 24)).padStart(2, '0')}:00`
  return span(two(hour + 1), two(hour + 5))
}

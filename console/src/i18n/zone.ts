// Between wall clocks and moments, by Temporal, so that days on which clocks change come out right.
import { Temporal } from 'temporal-polyfill'

/** The moment of a wall-clock time: ("2026-12-01", "09:00", "Europe/Berlin"). In a gap the clock moves on; of two the first. */
export function moment(date: string, time: string, timeZone: string): string {
  return Temporal.PlainDateTime.from(`${date}T${time}`).toZonedDateTime(timeZone).toInstant().toString()
}

/** The date on the wall, "2026-12-01". */
export function dateOf(at: string, timeZone: string): string {
  return Temporal.Instant.from(at).toZonedDateTimeISO(timeZone).toPlainDate().toString()
}

/** The time on the wall, "09:00". */
export function timeOf(at: string, timeZone: string): string {
  return Temporal.Instant.from(at).toZonedDateTimeISO(timeZone).toPlainTime().toString({ smallestUnit: 'minute' })
}

export function today(timeZone: string): string {
  return Temporal.Now.plainDateISO(timeZone).toString()
}

/** A date some days on: `addDays("2026-12-31", 1)`. */
export function addDays(date: string, days: number): string {
  return Temporal.PlainDate.from(date).add({ days }).toString()
}

/** The moment at which a date begins. */
export function startOf(date: string, timeZone: string): string {
  return Temporal.PlainDate.from(date).toZonedDateTime(timeZone).toInstant().toString()
}

export function plusMinutes(at: string, minutes: number): string {
  return Temporal.Instant.from(at).add({ minutes }).toString()
}

/** What the browser's own clock goes by. */
export function ownZone(): string {
  return Temporal.Now.timeZoneId()
}

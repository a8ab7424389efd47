// Days and times as the visitor's own browser writes them: with 24 or 12 hours, as they are used to.
import { language } from '~/i18n'
import { dateOf, today } from '~/i18n/zone'

/** The visitor's own kind of the page's language: en-US beside en-GB. */
function locale(): string {
  const own = navigator.languages.find((tag) => tag.slice(0, 2) === language())
  return own && own.length > 2 ? own : language() === 'de' ? 'de-DE' : 'en-GB'
}

const formats = new Map<string, Intl.DateTimeFormat>()

function written(moment: string, timeZone: string, options: Intl.DateTimeFormatOptions): string {
  const key = `${locale()} ${timeZone} ${JSON.stringify(options)}`
  let format = formats.get(key)
  if (!format) {
    format = new Intl.DateTimeFormat(locale(), { timeZone, ...options })
    formats.set(key, format)
  }
  return format.format(new Date(moment))
}

/** "09:30", or "9:30 AM" */
export function clockTime(moment: string, timeZone: string): string {
  return written(moment, timeZone, { hour: byTwelve() ? 'numeric' : '2-digit', minute: '2-digit' })
}

/** Whether the visitor counts hours to twelve; browsers do not agree on how many digits an hour of 24 has. */
function byTwelve(): boolean {
  return new Intl.DateTimeFormat(locale(), { hour: 'numeric' }).resolvedOptions().hour12 === true
}

/** "Tuesday, 1 December 2026" */
export function wholeDay(moment: string, timeZone: string): string {
  return written(moment, timeZone, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })
}

/** "Tuesday, 1 December at 09:30" */
export function dayAtTime(moment: string, timeZone: string): string {
  const day = written(moment, timeZone, { weekday: 'long', day: 'numeric', month: 'long' })
  return `${day}, ${clockTime(moment, timeZone)}`
}

/** "09:30" where that is today, "Tuesday, 1 December, 09:30" on other days */
export function soon(moment: string, timeZone: string): string {
  return dateOf(moment, timeZone) === today(timeZone) ? clockTime(moment, timeZone) : dayAtTime(moment, timeZone)
}

/** "09:30 – 10:30" */
export function fromTo(from: string, to: string, timeZone: string): string {
  return `${clockTime(from, timeZone)} – ${clockTime(to, timeZone)}`
}

/** A calendar's date in words, whatever the zone: "Tuesday, 1 December" for "2026-12-01". */
export function dateInWords(date: string): string {
  return written(`${date}T12:00:00Z`, 'UTC', { weekday: 'long', day: 'numeric', month: 'long' })
}

/** "Tue 1 December", where there is little room. */
export function dateInShort(date: string): string {
  return written(`${date}T12:00:00Z`, 'UTC', { weekday: 'short', day: 'numeric', month: 'long' })
}

/** "December 2026" for "2026-12" */
export function monthInWords(month: string): string {
  return written(`${month}-15T12:00:00Z`, 'UTC', { month: 'long', year: 'numeric' })
}

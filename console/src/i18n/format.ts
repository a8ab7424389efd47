// Moments, days and money as people read them; moments always in a named time zone.

import type { Money } from '~/api/types'
import { language } from './index'

type Moment = string | Date

const formats = new Map<string, Intl.DateTimeFormat>()

function format(moment: Moment, timeZone: string, options: Intl.DateTimeFormatOptions): string {
  const key = `${language()} ${timeZone} ${JSON.stringify(options)}`
  let made = formats.get(key)
  if (!made) {
    made = new Intl.DateTimeFormat(language() === 'de' ? 'de-DE' : 'en-GB', { timeZone, ...options })
    formats.set(key, made)
  }
  return made.format(typeof moment === 'string' ? new Date(moment) : moment)
}

/** "09:30" */
export function time(moment: Moment, timeZone: string): string {
  return format(moment, timeZone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
}

/** "Tue, 1 Dec 2026" */
export function day(moment: Moment, timeZone: string): string {
  return format(moment, timeZone, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' })
}

/** "Tuesday, 1 December" */
export function longDay(moment: Moment, timeZone: string): string {
  return format(moment, timeZone, { weekday: 'long', day: 'numeric', month: 'long' })
}

/** "Tue, 1 Dec 2026, 09:30" */
export function dayAndTime(moment: Moment, timeZone: string): string {
  return `${day(moment, timeZone)}, ${time(moment, timeZone)}`
}

/** "09:30 – 10:30" */
export function span(from: Moment, to: Moment, timeZone: string): string {
  return `${time(from, timeZone)} – ${time(to, timeZone)}`
}

/** Minor units of an ISO 4217 currency, as the language writes them. */
export function money({ amount, currency }: Money): string {
  const made = new Intl.NumberFormat(language() === 'de' ? 'de-DE' : 'en-GB', { style: 'currency', currency })
  return made.format(amount / 10 ** digits(currency))
}

/** How many decimals a currency has. */
export function digits(currency: string): number {
  return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
}

export function percent(share: number): string {
  return new Intl.NumberFormat(language() === 'de' ? 'de-DE' : 'en-GB', {
    style: 'percent',
    maximumFractionDigits: 1,
  }).format(share)
}

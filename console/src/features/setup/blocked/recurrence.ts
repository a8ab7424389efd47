// Recurrence rules (RFC 5545) as they are chosen here, and in words.
import type { TFunction } from 'i18next'
import { day } from '~/i18n/format'
import { addDays, moment } from '~/i18n/zone'

export const REPEATS = ['none', 'DAILY', 'WEEKLY', 'WEEKLY2', 'MONTHLY'] as const
export type Repeat = (typeof REPEATS)[number]
export type Recurrence = { repeat: Repeat; ends: 'never' | 'count' | 'until'; count: number | ''; until: string }

export function ruleOf({ repeat, ends, count, until }: Recurrence, timeZone: string): string | undefined {
  if (repeat === 'none') return undefined
  const parts = repeat === 'WEEKLY2' ? ['FREQ=WEEKLY', 'INTERVAL=2'] : [`FREQ=${repeat}`]
  if (ends === 'count') parts.push(`COUNT=${Number(count || 1)}`)
  // UNTIL is a moment in UTC where the start is one; all of the day named is meant to be in it.
  if (ends === 'until' && until) {
    const end = new Date(new Date(moment(addDays(until, 1), '00:00', timeZone)).getTime() - 1000)
    parts.push(`UNTIL=${end.toISOString().replace(/[-:]|\.\d+/g, '')}`)
  }
  return parts.join(';')
}

const DAYS: Record<string, string> = { MO: 'mon', TU: 'tue', WE: 'wed', TH: 'thu', FR: 'fri', SA: 'sat', SU: 'sun' }
const ONLY = new Set(['FREQ', 'INTERVAL', 'BYDAY', 'COUNT', 'UNTIL', 'WKST'])

/** "every 2 weeks on Mon, Thu, 10 times"; a rule with more to it as it is. */
export function ruleInWords(rule: string, t: TFunction<'setup'>): string {
  const parts = new Map(
    rule
      .replace(/^RRULE:/, '')
      .split(';')
      .map((part) => part.split('=') as [string, string]),
  )
  const days = parts.get('BYDAY')?.split(',') ?? []
  if ([...parts.keys()].some((name) => !ONLY.has(name)) || days.some((name) => !(name in DAYS))) return rule
  const words = [t(`every_${parts.get('FREQ')}`, { count: Number(parts.get('INTERVAL') ?? 1) })]
  if (days.length > 0) words.push(t('onDays', { days: days.map((name) => t(`short_${DAYS[name]}`)).join(', ') }))
  const count = parts.get('COUNT')
  const until = parts.get('UNTIL')
  if (count) words.push(t('times', { count: Number(count) }))
  if (until)
    words.push(t('untilDay', { day: day(`${until.slice(0, 4)}-${until.slice(4, 6)}-${until.slice(6, 8)}`, 'UTC') }))
  return words.join(', ')
}

// Recurrence rules (RFC 5545) in words.
import type { TFunction } from 'i18next'
import { day } from '~/i18n/format'

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

// What two records of one person become, shown before it is done; the clients service does it by the same rules.
import type { Client } from '~/api/types'

const FILLED = ['email', 'phone', 'birth_date', 'address', 'locale', 'timezone'] as const

export type Side = { field: string; stays: string; other: string; becomes: 'stays' | 'other' | 'both' }

/** Each field that either of them has, as words, and whose it will be. */
export function together(stays: Client, other: Client, word: (allowed: boolean) => string): Side[] {
  const sides: Side[] = [{ field: 'name', stays: stays.name, other: other.name, becomes: 'stays' }]
  for (const field of FILLED) {
    if (!stays[field] && !other[field]) continue
    sides.push({
      field,
      stays: stays[field] ?? '',
      other: other[field] ?? '',
      becomes: stays[field] ? 'stays' : 'other',
    })
  }
  if (stays.tags.length > 0 || other.tags.length > 0)
    sides.push({ field: 'tags', stays: stays.tags.join(', '), other: other.tags.join(', '), becomes: 'both' })
  if (stays.notes || other.notes)
    sides.push({ field: 'privateNotes', stays: stays.notes ?? '', other: other.notes ?? '', becomes: 'both' })
  for (const channel of ['email', 'sms'] as const) {
    sides.push({
      field: `may_${channel}`,
      stays: word(stays.contact[channel]),
      other: word(other.contact[channel]),
      becomes: stays.contact[channel] && !other.contact[channel] ? 'other' : 'stays',
    })
  }
  return sides
}

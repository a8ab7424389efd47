// How something repeats, as the form asks for it, and as RFC 5545 writes it.

export const RHYTHMS = ['none', 'daily', 'weekly', 'biweekly', 'monthly'] as const
export type Rhythm = (typeof RHYTHMS)[number]

export type Repeat = { rhythm: Rhythm; endsBy: 'never' | 'count' | 'date'; count: number; until: string }

const FREQUENCIES = {
  daily: 'FREQ=DAILY',
  weekly: 'FREQ=WEEKLY',
  biweekly: 'FREQ=WEEKLY;INTERVAL=2',
  monthly: 'FREQ=MONTHLY',
}

/** Null where nothing repeats. The last day counts in. */
export function rruleOf({ rhythm, endsBy, count, until }: Repeat): string | null {
  if (rhythm === 'none') return null
  if (endsBy === 'never') return FREQUENCIES[rhythm]
  const end = endsBy === 'count' ? `COUNT=${count}` : `UNTIL=${until.replaceAll('-', '')}`
  return `${FREQUENCIES[rhythm]};${end}`
}

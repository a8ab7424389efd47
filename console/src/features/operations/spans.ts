// Lengths of time in the unit that says most.
import type { TFunction } from 'i18next'

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const

/** "12 ms", "3 s", "2 h", "5 days" */
export function length(t: TFunction, milliseconds: number): string {
  const found = UNITS.find(([, size]) => milliseconds >= size)
  return found
    ? t(`operations:${found[0]}`, { count: Math.round(milliseconds / found[1]) })
    : t('operations:ms', { count: Math.round(milliseconds) })
}

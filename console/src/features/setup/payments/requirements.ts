// What Stripe still asks for, said so that a person knows which papers to look for.
import type { TFunction } from 'i18next'

const SORTS: [start: RegExp, word: string][] = [
  [/verification\.document|verification\.additional/, 'asks_document'],
  [/^external_account/, 'asks_bank'],
  [/^tos_acceptance/, 'asks_terms'],
  [/^business_|^company|^settings/, 'asks_business'],
  [/^individual|^person|^representative|^owners|^directors|^executives/, 'asks_person'],
]

/** Each sort once; what is of no known sort as Stripe calls it. */
export function asked(due: string[], t: TFunction<'setup'>): string[] {
  const words = due.map((name) => {
    const sort = SORTS.find(([start]) => start.test(name))
    return sort ? t(sort[1]) : name
  })
  return [...new Set(words)]
}

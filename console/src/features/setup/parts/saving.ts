// Sends a form, and says what became of it.
import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query'
import i18next from 'i18next'
import { useRef } from 'react'
import { idempotencyKey } from '~/api/client'
import { Problem } from '~/api/problem'
import { money } from '~/i18n/format'
import { done } from '~/ui/toast'

/** Save by `save`; then what `keys` hold is asked again, and `words` say that it is done (null: the caller does). */
export function useSaving<Given, Kept>(
  save: (given: Given) => Promise<Kept>,
  { keys, words, onSaved }: { keys: QueryKey[]; words?: string | null; onSaved?: (kept: Kept, given: Given) => void },
) {
  const queries = useQueryClient()
  const refresh = () => Promise.all(keys.map((queryKey) => queries.invalidateQueries({ queryKey })))
  return useMutation({
    mutationFn: save,
    onSuccess: (kept, given) => {
      if (words !== null) done(words ?? i18next.t('app:saved'))
      onSaved?.(kept, given)
      void refresh()
    },
    onError: (error) => {
      if (error instanceof Problem && error.code === 'stale') void refresh()
    },
  })
}

/** The key under which one filled form is sent, however often; `renew` once it has been taken. */
export function useFormKey() {
  const key = useRef(idempotencyKey())
  return {
    header: () => key.current,
    renew: () => {
      key.current = idempotencyKey()
    },
  }
}

/** The version that was seen, as a header. */
export function seen(version: number): { 'If-Match': string } {
  return { 'If-Match': `"${version}"` }
}

type Saying = [pattern: RegExp, say: (found: RegExpMatchArray) => string]

const SAYINGS: Saying[] = [
  [/not all blank|^Missing data|^Shorter than minimum/, () => i18next.t('setup:errMissing')],
  [
    /greater than or equal to (\d+) and less than or equal to (\d+)/,
    ([, low, high]) => i18next.t('setup:errRange', { low, high }),
  ],
  [/greater than or equal to (\d+)/, ([, low]) => i18next.t('setup:errLeast', { low })],
  [/^Not a valid integer/, () => i18next.t('setup:errWhole')],
  [/valid email|email address/i, () => i18next.t('setup:errEmail')],
  [
    /(\d+) minor units of ([A-Z]{3})/,
    ([, amount, currency]) =>
      i18next.t('setup:errDepositSmall', { least: money({ amount: Number(amount), currency: currency ?? 'EUR' }) }),
  ],
  [/not more than the price/, () => i18next.t('setup:errDepositLarge')],
  [/percentage needs a price/, () => i18next.t('setup:errDepositPrice')],
  [/end after they start/, () => i18next.t('setup:errHoursEnd')],
  [/overlap others/, () => i18next.t('setup:errHoursOverlap')],
  [/overridden twice/, () => i18next.t('setup:errDateTwice')],
  [/^Not a time of day/, () => i18next.t('setup:errClock')],
  [/Letters, digits/, () => i18next.t('setup:errUsername')],
  [/no variable `(.+?)`/, ([, name]) => i18next.t('setup:errVariable', { name })],
  [/no filter `(.+?)`/, ([, name]) => i18next.t('setup:errFilter', { name })],
  [/^This is empty/, () => i18next.t('setup:errMissing')],
  [/^Not a template: (.+)/, ([, why]) => i18next.t('setup:errTemplate', { why })],
  [/(\d+) hours come twice/, ([, hours]) => i18next.t('setup:errTierTwice', { hours })],
  [
    /(\d+) hours before must not return more than (\d+)/,
    ([, near, far]) => i18next.t('setup:errTierMore', { near, far }),
  ],
]

/** What a service said of a field, in the reader's language where it is one of the usual things. */
export function inWords(detail: string): string {
  for (const [pattern, say] of SAYINGS) {
    const found = detail.match(pattern)
    if (found) return say(found)
  }
  return detail
}

/** What is wrong with the fields of a form, by their names: `{"deposit.amount": "…"}`. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof Problem)) return {}
  return Object.fromEntries(
    (error.details.errors ?? []).map(({ pointer, detail }) => [pointer.slice(1).replaceAll('/', '.'), inWords(detail)]),
  )
}

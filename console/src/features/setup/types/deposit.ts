// What a session type's deposit comes to, for showing; what is asked in the end is the services' word.
import type { SessionType } from '~/api/types'

type Asking = Pick<SessionType, 'deposit' | 'price'>

/** Minor units, null where none is asked. */
export function depositOf({ deposit, price }: Asking): number | null {
  if (deposit === null) return null
  if (deposit.type === 'fixed') return price ? Math.min(deposit.amount, price.amount) : deposit.amount
  return Math.round(((price?.amount ?? 0) * deposit.percent) / 100)
}

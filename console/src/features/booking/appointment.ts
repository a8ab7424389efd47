// One appointment as its client sees it, followed while something about it is under way.
import { queryOptions, useQuery } from '@tanstack/react-query'
import { body, payments, scheduling } from '~/api/client'
import type { components as Payments } from '~/api/generated/payments'
import type { components } from '~/api/generated/scheduling'

export type Appointment = components['schemas']['LinkOut']
export type Quote = Payments['schemas']['QuoteOut']

const REFUND_MS = 1500
const PAYMENT_MS = 3000
/** A quote is good for 15 minutes. */
const QUOTE_MS = 600_000

export function appointmentKey(token: string) {
  return ['manage', token] as const
}

/** The session behind a client's link; `initial` is what is known of it already. */
export function useAppointment(token: string, initial?: Appointment) {
  return useQuery({
    queryKey: appointmentKey(token),
    queryFn: () => body(scheduling.GET('/v1/manage/{token}', { params: { path: { token } } })),
    initialData: initial,
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data ? pace(state.data) : false),
  })
}

/** What cancelling now would return, asked where something is held; cancelling with it returns exactly that. */
export function quoteOf(token: string, appointment: Appointment) {
  const paid = held(appointment)
  return queryOptions({
    queryKey: ['manage', token, 'refund-quote', paid?.amount],
    queryFn: () => body(payments.GET('/v1/manage/{token}/refund-quote', { params: { path: { token } } })),
    enabled: paid !== undefined,
    staleTime: 0,
    refetchInterval: QUOTE_MS,
  })
}

function pace(appointment: Appointment): number | false {
  if (appointment.deposit?.status === 'refund_pending') return REFUND_MS
  if (due(appointment) || waits(appointment) === 'payment') return PAYMENT_MS
  return false
}

/** The secret part of a client's link. */
export function tokenOf(appointment: Appointment): string {
  return appointment.manage_url.split('/').at(-1) ?? ''
}

/** What is held of the deposit, where something is. */
export function held({ deposit }: Appointment): { amount: number; currency: string } | undefined {
  return deposit && deposit.held_amount > 0 ? { amount: deposit.held_amount, currency: deposit.currency } : undefined
}

/** What is to be paid, where something is. */
export function due({ status, deposit, payment_url }: Appointment): { amount: number; currency: string } | undefined {
  if (status === 'cancelled' || !payment_url || !deposit || deposit.due_amount <= 0) return undefined
  return { amount: deposit.due_amount, currency: deposit.currency }
}

/** Until when that is to be paid, as long as that is to come: unpaid the time is given to others then. */
export function payBy({ pay_by }: Appointment): string | undefined {
  return pay_by && Date.parse(pay_by) > Date.now() ? pay_by : undefined
}

/** What a pending appointment waits for. */
export function waits(appointment: Appointment): 'payment' | 'client' | 'provider' | undefined {
  if (appointment.status !== 'pending') return undefined
  if (appointment.may.confirm) return 'client'
  return appointment.deposit?.status === 'required' ? 'payment' : 'provider'
}

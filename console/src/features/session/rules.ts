// What may be offered for a session as it stands; the scheduling service has the last word.
import type { Session } from '~/api/types'

export type StepName = 'confirm' | 'complete' | 'no-show'
export type FormName = 'reschedule' | 'duplicate' | 'cancel' | 'restore' | 'refund'

/** Whether somebody has to say what becomes of the deposit when the session is cancelled. */
export function holdsMoney({ deposit }: Session): boolean {
  if (!deposit) return false
  return deposit.status === 'paid' || (deposit.held_amount > 0 && deposit.status !== 'disputed')
}

/** Cancelled while its payment was on its way, and nobody has said what becomes of the money. */
export function undecided(session: Session): boolean {
  return session.status === 'cancelled' && session.cancellation?.refund === null && holdsMoney(session)
}

export function started({ starts_at }: Session): boolean {
  return new Date(starts_at).getTime() <= Date.now()
}

/** The steps that a click takes, the likeliest first. */
export function steps(session: Session): StepName[] {
  if (session.status === 'pending') return ['confirm']
  if (session.status === 'confirmed') return started(session) ? ['complete', 'no-show'] : []
  if (session.status === 'completed') return ['no-show']
  if (session.status === 'no_show') return ['complete']
  return []
}

/** The forms that may be opened. */
export function forms(session: Session): FormName[] {
  if (session.status === 'pending' || session.status === 'confirmed') return ['reschedule', 'duplicate', 'cancel']
  if (session.status === 'cancelled')
    return undecided(session) ? ['cancel', 'restore', 'duplicate'] : ['restore', 'duplicate']
  return ['duplicate']
}

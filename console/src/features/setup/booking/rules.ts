// The rules of online booking as the form holds them.
import type { Account } from '~/api/types'

export type Confirms = 'manual' | 'immediate' | 'after_timeout'

export type Rules = {
  username: string
  enabled: boolean
  auto_confirm: string
  confirm_timeout_hours: number | ''
  min_notice_hours: number | ''
  max_advance_days: number | ''
  client_cancellation: boolean
  cancel_cutoff_hours: number | ''
  reschedule_cutoff_hours: number | ''
  slot_interval_minutes: number | ''
}

export function rulesOf({ username, booking }: Account): Rules {
  return { username, ...booking }
}

export function rulesBody({ username, auto_confirm, enabled, client_cancellation, ...numbers }: Rules) {
  const mode: Confirms = auto_confirm === 'manual' || auto_confirm === 'immediate' ? auto_confirm : 'after_timeout'
  return {
    username,
    booking: {
      enabled,
      auto_confirm: mode,
      client_cancellation,
      confirm_timeout_hours: Number(numbers.confirm_timeout_hours),
      min_notice_hours: Number(numbers.min_notice_hours),
      max_advance_days: Number(numbers.max_advance_days),
      cancel_cutoff_hours: Number(numbers.cancel_cutoff_hours),
      reschedule_cutoff_hours: Number(numbers.reschedule_cutoff_hours),
      slot_interval_minutes: Number(numbers.slot_interval_minutes),
    },
  }
}

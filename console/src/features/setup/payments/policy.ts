// The refund policy as the form holds it.
import type { components } from '~/api/generated/payments'

export type Settings = components['schemas']['SettingsOut']

/** `id` tells rows apart while they are typed in. */
type Tier = { id: string; hours: number | ''; percentage: number | '' }

export type Policy = {
  by: 'one' | 'tiers'
  percentage: number | ''
  tiers: Tier[]
  provider: boolean
  providerPercentage: number | ''
  dueHours: number | ''
}

export function tier(hours: number, percentage: number): Tier {
  return { id: crypto.randomUUID(), hours, percentage }
}

export function policyOf(settings: Settings): Policy {
  return {
    by: settings.refund_tiers ? 'tiers' : 'one',
    percentage: settings.refund_percentage ?? 100,
    tiers: settings.refund_tiers?.map((each) => tier(each.hours_before, each.percentage)) ?? [
      tier(48, 100),
      tier(24, 50),
    ],
    provider: settings.provider_cancellation_percentage !== null,
    providerPercentage: settings.provider_cancellation_percentage ?? 100,
    dueHours: settings.deposit_due_hours,
  }
}

export function policyBody({ by, percentage, tiers, provider, providerPercentage, dueHours }: Policy) {
  const whole = (value: number | '') => (value === '' ? null : value)
  return {
    refund_percentage: by === 'one' ? whole(percentage) : null,
    refund_tiers:
      by === 'tiers'
        ? tiers.map((each) => ({ hours_before: Number(each.hours || 0), percentage: Number(each.percentage || 0) }))
        : null,
    provider_cancellation_percentage: provider ? whole(providerPercentage) : null,
    deposit_due_hours: whole(dueHours),
  }
}

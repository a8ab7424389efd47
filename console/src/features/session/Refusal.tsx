// Why an action was refused, in the words of this panel where it has some.
import { Alert } from '@mantine/core'
import i18next from 'i18next'
import { useTranslation } from 'react-i18next'
import { Problem } from '~/api/problem'
import { money } from '~/i18n/format'
import { IconAlertTriangle } from '~/ui/icons'
import { PlanRefusal } from '~/ui/PlanRefusal'
import { failed } from '~/ui/toast'
import { isPlans, why } from '~/ui/why'

const KNOWN = new Set([
  'invalid_transition',
  'refund_in_progress',
  'quote_expired',
  'refund_decision_required',
  'stale',
  'idempotency_in_flight',
  'forbidden',
])

/** In words; undefined where the service's own have to do. */
export function refusal(error: Error, currency?: string): string | undefined {
  if (!(error instanceof Problem)) return undefined
  const t = i18next.getFixedT(null, 'session')
  if (error.code === 'refund_exceeds_paid') {
    const { left } = error.details
    return left === undefined || !currency
      ? t('refusal_refund_exceeds_paid')
      : t('refusal_refund_left', { left: money({ amount: left, currency }) })
  }
  return KNOWN.has(error.code) ? t(`refusal_${error.code}`) : undefined
}

/** `words`: what the form knows better. */
export function Refusal({ error, currency, words }: { error: Error; currency?: string; words?: string }) {
  const { t } = useTranslation('app')
  const down = error instanceof Problem && error.down
  if (isPlans(error)) return <PlanRefusal words={why(error)} />
  const said = words ?? refusal(error, currency) ?? (error instanceof Problem ? why(error) : t('crashed'))
  return (
    <Alert role="alert" color={down ? 'yellow' : 'red'} icon={<IconAlertTriangle aria-hidden />}>
      {said}
    </Alert>
  )
}

/** The same as a short word at the lower edge. */
export function refused(error: Error): void {
  const words = refusal(error)
  failed(words ? new Error(words) : error)
}

// Every refund of a deposit, from planned to arrived, or why it did not.
import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Refund } from '~/api/types'
import { useTimeZone } from '~/app/account'
import { dayAndTime, money } from '~/i18n/format'
import {
  IconAlertTriangle,
  IconCircle,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleMinus,
  IconHandClick,
} from '~/ui/icons'
import { failureInWords } from './failures'
import classes from './panel.module.css'

const SHAPES: Record<string, typeof IconCircle> = {
  pending: IconCircleDashed,
  requires_action: IconHandClick,
  succeeded: IconCircleCheck,
  failed: IconAlertTriangle,
  canceled: IconAlertTriangle,
  skipped: IconCircleMinus,
}

const REASONS = new Set([
  'provider_kept',
  'policy',
  'paid_in_cash',
  'disputed',
  'already_refunded',
  'paid_twice',
  'released',
  'not_wanted',
  'stripe_dashboard',
])

export function RefundList({ refunds }: { refunds: Refund[] }) {
  const { t } = useTranslation('session')
  return (
    <ul className={classes.list} aria-label={t('refunds')} aria-live="polite">
      {refunds.map((refund) => (
        <Row key={refund.id} refund={refund} />
      ))}
    </ul>
  )
}

function Row({ refund }: { refund: Refund }) {
  const { t } = useTranslation('session')
  const zone = useTimeZone()
  const Shape = SHAPES[refund.status] ?? IconCircle
  const amount = money(refund)
  return (
    <li>
      <div className={classes.line}>
        <Text size="sm" fw={600} span style={{ display: 'inline-flex', gap: 4, alignItems: 'center' }}>
          <Shape size={16} stroke={1.8} aria-hidden />
          {t(`refund_${refund.status}`)}
        </Text>
        <Text size="sm" span>
          {refund.status === 'skipped'
            ? null
            : refund.percentage === null
              ? amount
              : t('amountAndPercentage', { amount, percentage: refund.percentage })}
        </Text>
      </div>
      {explained(refund, t).map((words) => (
        <Text size="sm" key={words}>
          {words}
        </Text>
      ))}
      <Text size="sm" c="var(--quiet)">
        {dayAndTime(refund.updated_at, zone)}
      </Text>
    </li>
  )
}

function explained(refund: Refund, t: (key: string, values?: Record<string, string>) => string): string[] {
  const words: string[] = []
  if (refund.reason)
    words.push(
      REASONS.has(refund.reason) ? t(`refundReason_${refund.reason}`) : t('refundReason', { reason: refund.reason }),
    )
  if (refund.status === 'pending')
    words.push(t(refund.pending_reason ? `refundPending_${refund.pending_reason}` : 'refundPending', {}))
  if (refund.status === 'requires_action') words.push(t('refundRequiresAction'))
  if (refund.status === 'succeeded') words.push(t('banksTake'))
  if (refund.failure) words.push(failureInWords(refund.failure))
  return words
}

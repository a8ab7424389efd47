// What would go back, until when, and the two ways to decide; with payments down still by the policy, unseen.
import { Alert, Button, Group, Skeleton, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Session } from '~/api/types'
import { money } from '~/i18n/format'
import { IconAlertTriangle } from '~/ui/icons'
import type { Decision } from './CancelForm'
import { QuoteShown } from './QuoteShown'
import { quoteOf } from './queries'

export function RefundDecision({
  session,
  deciding,
  pending,
  onDecide,
}: {
  session: Session
  deciding: boolean
  pending: Decision | undefined
  onDecide: (decision: Decision) => void
}) {
  const { t } = useTranslation('session')
  const quote = useQuery(quoteOf(session.id))
  const held = session.deposit ? money({ amount: session.deposit.held_amount, currency: session.deposit.currency }) : ''
  if (quote.isPending)
    return (
      <Stack gap="sm" role="status" aria-label={t('asksQuote')}>
        <Skeleton height={24} width="70%" />
        <Skeleton height={96} />
      </Stack>
    )
  // One that could not be asked anew may be over.
  const shown = quote.isError ? undefined : quote.data
  const nothing = shown?.amount === 0
  const refunds = (
    <Button
      loading={pending?.refund === 'refund'}
      disabled={pending !== undefined || quote.isFetching}
      onClick={() => onDecide({ refund: 'refund', refund_quote_id: shown?.quote_id ?? undefined })}
    >
      {nothing
        ? t(deciding ? 'keepIt' : 'cancelNow')
        : shown
          ? t('refundAmount', { amount: money(shown) })
          : t('refundByPolicy')}
    </Button>
  )
  const skips = (
    <Button
      variant="default"
      loading={pending?.refund === 'skip'}
      disabled={pending !== undefined}
      onClick={() => onDecide({ refund: 'skip' })}
    >
      {t('skipRefund')}
    </Button>
  )
  return (
    <>
      {shown ? (
        <QuoteShown quote={shown} session={session} />
      ) : (
        <Alert role="alert" color="yellow" icon={<IconAlertTriangle aria-hidden />}>
          <Text size="sm" fw={600}>
            {t('noQuote')}
          </Text>
          <Text size="sm">{t('noQuoteHint')}</Text>
          <Button variant="default" size="xs" mt="sm" onClick={() => void quote.refetch()}>
            {t('retry', { ns: 'app' })}
          </Button>
        </Alert>
      )}
      <Group gap="sm">
        {refunds}
        {!nothing && skips}
      </Group>
      {!nothing && (
        <Text size="sm" c="var(--quiet)">
          {t('skipHint', { held })} {t(deciding ? 'banksTake' : 'cancelsBoth')}
        </Text>
      )}
    </>
  )
}

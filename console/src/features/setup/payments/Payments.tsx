// Deposits and what comes back of them: the account at Stripe, the refund policy, the statement.
import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { body, payments } from '~/api/client'
import { Failure } from '~/ui/Failure'
import { Part } from '../parts/Part'
import { RefundPolicy } from './RefundPolicy'
import { Statement } from './Statement'
import { StripeConnection } from './StripeConnection'

export default function Payments() {
  const { t } = useTranslation('setup')
  const settings = useQuery({
    queryKey: ['payment-settings'],
    queryFn: () => body(payments.GET('/v1/settings')),
    staleTime: 60_000,
  })
  return (
    <>
      <StripeConnection />
      {settings.data ? (
        <RefundPolicy settings={settings.data} />
      ) : (
        <Part title={t('refunds')} hint={t('refundsHint')}>
          {settings.isError ? (
            <Failure error={settings.error} onRetry={() => void settings.refetch()} />
          ) : (
            <Skeleton h={240} />
          )}
        </Part>
      )}
      <Statement />
    </>
  )
}

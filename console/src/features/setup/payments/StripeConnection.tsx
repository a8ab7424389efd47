// How the practice's own account at Stripe stands, in words, and the way to go on there.
import { Button, Group, Skeleton, Stack, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { body, idempotencyKey, payments } from '~/api/client'
import type { components } from '~/api/generated/payments'
import { useAccount } from '~/app/account'
import { Failure } from '~/ui/Failure'
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed } from '~/ui/icons'
import { Part } from '../parts/Part'
import { Refusal } from '../parts/Refusal'
import { TextLink } from '../parts/TextLink'
import { PLANS } from '../plan/plans'
import { asked } from './requirements'

type Connection = components['schemas']['ConnectOut']

const UNFINISHED_MS = 3000

export function StripeConnection() {
  const { t } = useTranslation('setup')
  const plan = PLANS[useAccount().plan]
  const connection = useQuery({
    queryKey: ['connect'],
    queryFn: () => body(payments.GET('/v1/connect')),
    // What is done at Stripe comes by and by.
    refetchInterval: ({ state: { data } }) => (data && data.status !== 'active' ? UNFINISHED_MS : false),
  })
  const going = useMutation({
    mutationFn: () =>
      body(payments.POST('/v1/connect', { params: { header: idempotencyKey() }, body: { country: null } })),
    onSuccess: ({ onboarding_url }) => window.location.assign(onboarding_url),
  })
  return (
    <Part title={t('stripe')} hint={t('stripeHint')}>
      {connection.isPending && <Skeleton h={96} />}
      {connection.isError && <Failure error={connection.error} onRetry={() => void connection.refetch()} />}
      {connection.data && (
        <Stack gap="md" maw={560}>
          <Standing connection={connection.data} />
          {!plan?.deposits && (
            <Text size="sm">
              {t('depositPlan')} <TextLink href="/setup/plan">{t('seePlan')}</TextLink>
            </Text>
          )}
          <Refusal error={going.error} />
          {connection.data.status !== 'active' && plan?.deposits && (
            <Group>
              <Button loading={going.isPending || going.isSuccess} onClick={() => going.mutate()}>
                {t(connection.data.status === 'not_connected' ? 'stripeConnect' : 'stripeResume')}
              </Button>
            </Group>
          )}
        </Stack>
      )}
    </Part>
  )
}

function Standing({ connection }: { connection: Connection }) {
  const { t } = useTranslation('setup')
  const { status, charges_enabled, payouts_enabled, requirements } = connection
  const Shape = status === 'active' ? IconCircleCheck : status === 'restricted' ? IconAlertTriangle : IconCircleDashed
  const known = ['not_connected', 'onboarding', 'active', 'restricted', 'disconnected'].includes(status)
  const missing = asked(requirements.currently_due, t)
  return (
    <>
      <Group gap="sm" wrap="nowrap" align="flex-start" role="status">
        <Shape size={20} aria-hidden style={{ flex: 'none', marginTop: 2 }} />
        <div>
          <Text fw={600}>{known ? t(`stripe_${status}`) : status}</Text>
          {known && (
            <Text size="sm" c="var(--quiet)">
              {t(`stripe_${status}_hint`)}
            </Text>
          )}
        </div>
      </Group>
      {status !== 'not_connected' && (
        <ul style={{ margin: 0, paddingLeft: 28, fontSize: 14 }}>
          <li>{t(charges_enabled ? 'chargesOn' : 'chargesOff')}</li>
          <li>{t(payouts_enabled ? 'payoutsOn' : 'payoutsOff')}</li>
          {missing.length > 0 && <li>{t('stripeAsks', { what: missing.join(', ') })}</li>}
          {requirements.disabled_reason && <li>{t('stripeBlocked', { why: requirements.disabled_reason })}</li>}
        </ul>
      )}
    </>
  )
}

// One client: the profile, or what is left to say of somebody who is gone.
import './words'
import { Skeleton, Stack } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Redirect } from 'wouter'
import { Problem } from '~/api/problem'
import { NotFound } from '~/app/NotFound'
import { Failure } from '~/ui/Failure'
import { Page } from '~/ui/Page'
import { ClientProfile } from './ClientProfile'
import { useClient, useErasure } from './clients'
import { ErasureReceipt } from './ErasureReceipt'

export default function ClientPage({ id }: { id: string }) {
  const { t } = useTranslation('clients')
  const client = useClient(id)
  const gone = client.error instanceof Problem && client.error.status === 404
  const erasure = useErasure(id, gone)

  if (gone && erasure.data) {
    return (
      <Page title={t('erasedClient')} width={720}>
        <ErasureReceipt receipt={erasure.data} level={2} />
      </Page>
    )
  }
  if (gone && erasure.isSuccess) return <NotFound />
  if (client.data && !gone) {
    // Who was merged into another is answered for by that one.
    if (client.data.id !== id) return <Redirect to={`/clients/${client.data.id}`} replace />
    return <ClientProfile key={id} client={client.data} />
  }
  const error = gone ? erasure.error : client.error
  return (
    <Page title={t('client')}>
      {error ? (
        <Failure error={error} onRetry={() => void (gone ? erasure.refetch() : client.refetch())} />
      ) : (
        <Stack aria-busy>
          <Skeleton height={24} width="40%" />
          <Skeleton height={120} />
          <Skeleton height={240} />
        </Stack>
      )}
    </Page>
  )
}

// A client of whom only the id is known, as a link by name.
import { Anchor, Skeleton } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { useClient } from './clients'

export function ClientName({ id }: { id: string }) {
  const { t } = useTranslation('clients')
  const client = useClient(id)
  if (client.isPending) return <Skeleton width={144} height={16} />
  return (
    <Anchor component={Link} href={`/clients/${id}`} c="inherit" underline="always" size="sm">
      {client.data
        ? [client.data.name, client.data.email ?? client.data.phone].filter(Boolean).join(' · ')
        : t('thisClient')}
    </Anchor>
  )
}

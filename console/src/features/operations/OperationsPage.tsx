// For operators: whether the services answer, what lies about in them, what must hold, and one session's journey.
import { Text, Title } from '@mantine/core'
import { useIsFetching, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useTimeZone } from '~/app/account'
import { useScope } from '~/auth/session'
import { EmptyState } from '~/ui/EmptyState'
import { Page } from '~/ui/Page'
import { Invariants } from './Invariants'
import { JourneyPart } from './JourneyPart'
import { KeptEvents } from './KeptEvents'
import { operationsKey, SERVICES } from './looking'
import { Overview } from './Overview'
import classes from './operations.module.css'
import { preciseTime } from './times'
import './words'

export default function OperationsPage() {
  const { t } = useTranslation(['operations', 'app'])
  const operator = useScope('ops')
  if (!operator) return <EmptyState title={t('noScope')} hint={t('noScopeHint')} level={1} />
  return (
    <Page title={t('app:operations')} actions={<Refreshed />}>
      <Part title={t('services')}>
        <Overview />
      </Part>
      <Part title={t('parked')}>
        <KeptEvents kind="parked" />
      </Part>
      <Part title={t('dead')}>
        <KeptEvents kind="dead" />
      </Part>
      <Part title={t('journey')}>
        <JourneyPart />
      </Part>
      <Part title={t('invariants')}>
        <Invariants />
      </Part>
    </Page>
  )
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={classes.part} aria-label={title}>
      <Title order={2} mb="sm">
        {title}
      </Title>
      {children}
    </section>
  )
}

/** When the services were last heard of. */
function Refreshed() {
  const { t } = useTranslation('operations')
  const zone = useTimeZone()
  const queries = useQueryClient()
  // Only to be drawn again whenever an answer has come.
  useIsFetching({ queryKey: ['operations'] })
  const last = Math.max(
    ...SERVICES.map((service) => queries.getQueryState([...operationsKey(service), 'outbox'])?.dataUpdatedAt ?? 0),
  )
  if (!last) return null
  return (
    <Text size="sm" c="var(--quiet)">
      {t('refreshed', { time: preciseTime(new Date(last).toISOString(), zone).slice(0, 8) })}
    </Text>
  )
}

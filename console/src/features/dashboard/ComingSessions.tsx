// What starts next, each a way to everything about it.
import { Skeleton, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import type { Session } from '~/api/types'
import { useTimeZone } from '~/app/account'
import { day, time } from '~/i18n/format'
import { ButtonLink } from '~/ui/ButtonLink'
import { EmptyState } from '~/ui/EmptyState'
import { Failure } from '~/ui/Failure'
import { StatusMark } from '~/ui/StatusMark'
import classes from './dashboard.module.css'
import { useComing } from './figures'

export function ComingSessions() {
  const { t } = useTranslation('dashboard')
  const coming = useComing()
  const sessions = coming.data?.data ?? []
  return (
    <section aria-labelledby="coming">
      <Title order={2} id="coming" mb="md">
        {t('coming')}
      </Title>
      {coming.isError && <Failure error={coming.error} onRetry={() => void coming.refetch()} />}
      {coming.isPending && (
        <Stack aria-busy>
          <Skeleton height={40} />
          <Skeleton height={40} />
          <Skeleton height={40} />
        </Stack>
      )}
      {coming.isSuccess && sessions.length === 0 && (
        <EmptyState title={t('noneComing')} level={3}>
          <ButtonLink href="/calendar?new" variant="light">
            {t('book')}
          </ButtonLink>
        </EmptyState>
      )}
      <ul className={classes.coming}>
        {sessions.map((session) => (
          <li key={session.id}>
            <Coming session={session} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Coming({ session }: { session: Session }) {
  const { t: app } = useTranslation('app')
  const zone = useTimeZone()
  return (
    <Link href={`/calendar?session=${session.id}`} className={classes.session}>
      <span className={classes.when}>
        {time(session.starts_at, zone)}
        <Text span display="block" size="sm" c="var(--quiet)">
          {day(session.starts_at, zone)}
        </Text>
      </span>
      <span className={classes.who}>
        {session.client.name || app('deletedClient')}
        <span className={classes.what}>
          {session.service.name}
          <StatusMark status={session.status} />
        </span>
      </span>
    </Link>
  )
}

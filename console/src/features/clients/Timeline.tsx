// A client's sessions by year, each a way to everything about it.
import { Skeleton, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import type { components } from '~/api/generated/clients'
import type { Client } from '~/api/types'
import { useTimeZone } from '~/app/account'
import { day, money, span } from '~/i18n/format'
import { ButtonLink } from '~/ui/ButtonLink'
import { EmptyState } from '~/ui/EmptyState'
import { Failure } from '~/ui/Failure'
import { DepositMark, StatusMark } from '~/ui/StatusMark'
import { useTimeline } from './clients'
import classes from './clients.module.css'

type Year = components['schemas']['YearOut']
type Held = components['schemas']['TimelineSessionOut']

const ENDS = ['completed', 'no_show', 'cancelled'] as const

export function Timeline({ client }: { client: Client }) {
  const { t } = useTranslation('clients')
  const zone = useTimeZone()
  const timeline = useTimeline(client.id)
  const whole = timeline.data
  return (
    <section aria-labelledby="sessions">
      <Title order={2} id="sessions" mb="sm">
        {t('sessions')}
      </Title>
      {timeline.isError && <Failure error={timeline.error} onRetry={() => void timeline.refetch()} />}
      {timeline.isPending && (
        <Stack aria-busy>
          <Skeleton height={24} />
          <Skeleton height={24} />
          <Skeleton height={24} />
        </Stack>
      )}
      {whole && whole.total === 0 && (
        <EmptyState title={t('noSessions')} hint={t('noSessionsHint', { name: client.name })} level={3}>
          {!client.deleted_at && (
            <ButtonLink href={`/calendar?new&client=${client.id}`} variant="light">
              {t('bookSession')}
            </ButtonLink>
          )}
        </EmptyState>
      )}
      {whole && whole.total > 0 && (
        <>
          <p className={classes.figures}>
            <span>{t('total', { count: whole.total })}</span>
            {whole.no_shows > 0 && <span>{t('noShows', { count: whole.no_shows })}</span>}
            {whole.next && <span>{t('next', { at: day(whole.next.starts_at, zone) })}</span>}
            {whole.last && <span>{t('last', { at: day(whole.last.starts_at, zone) })}</span>}
          </p>
          {whole.years.map((year) => (
            <YearPart key={year.year} year={year} client={client} />
          ))}
        </>
      )}
    </section>
  )
}

function YearPart({ year, client }: { year: Year; client: Client }) {
  const { t } = useTranslation('clients')
  const deposits = year.deposits.flatMap(({ currency, held_amount, refunded_amount }) => [
    ...(held_amount > 0 ? [t('held', { sum: money({ amount: held_amount, currency }) })] : []),
    ...(refunded_amount > 0 ? [t('refunded', { sum: money({ amount: refunded_amount, currency }) })] : []),
  ])
  return (
    <section aria-labelledby={`year-${year.year}`} className={classes.year}>
      <Title order={3} id={`year-${year.year}`}>
        {year.year}
      </Title>
      <p className={classes.figures}>
        <span>{t('total', { count: year.total })}</span>
        {ENDS.filter((end) => year.counts[end]).map((end) => (
          <span key={end}>{t(`count_${end}`, { count: year.counts[end] })}</span>
        ))}
        {deposits.map((text) => (
          <span key={text}>{text}</span>
        ))}
      </p>
      <ul className={classes.sessions}>
        {year.sessions.map((session) => (
          <li key={session.id}>
            <SessionLine session={session} clientId={client.id} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function SessionLine({ session, clientId }: { session: Held; clientId: string }) {
  const zone = useTimeZone()
  return (
    <Link href={`/clients/${clientId}?session=${session.id}`} className={classes.session}>
      <span className={classes.when}>
        {day(session.starts_at, zone)}
        <Text span display="block" size="sm" c="var(--quiet)">
          {span(session.starts_at, session.ends_at, zone)}
        </Text>
      </span>
      <span className={classes.what}>{session.service_name}</span>
      <span className={classes.states}>
        <StatusMark status={session.status} />
        {session.deposit && <DepositMark status={session.deposit.status} />}
      </span>
    </Link>
  )
}

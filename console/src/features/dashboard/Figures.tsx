// The figures of one range: sessions by status, money, new clients, and how sessions end.
import { Anchor, Skeleton, Table, Text, Title } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import type { SessionStatus, Stats } from '~/api/types'
import { useAccount } from '~/app/account'
import { money, percent } from '~/i18n/format'
import { StatusMark } from '~/ui/StatusMark'
import classes from './dashboard.module.css'
import type { Range } from './ranges'

const StatusChart = lazy(() => import('./StatusChart'))

const STATUSES: SessionStatus[] = ['pending', 'confirmed', 'completed', 'no_show', 'cancelled']
const RATES = ['completed', 'cancelled', 'no_show'] as const

export function Figures({ stats, range }: { stats: Stats; range: Range }) {
  const { t } = useTranslation('dashboard')
  const { t: app } = useTranslation('app')
  const total = STATUSES.reduce((sum, status) => sum + stats.sessions[status], 0)
  return (
    <div>
      <dl className={classes.figures}>
        <Figure word={t('sessions')} value={String(total)} hint={t('upcoming', { count: stats.upcoming })} />
        <Figure word={t('expected')} value={money(stats.expected_revenue)} hint={t('expectedHint')} />
        <Figure word={t('earned')} value={money(stats.earned_revenue)} hint={t('earnedHint')} />
        <Figure word={t('newClients')} value={String(stats.new_clients)} hint={t(`in_${range}`)} />
      </dl>
      <section aria-labelledby="by-status" className={classes.part}>
        <Title order={2} id="by-status" mb="md">
          {t('byStatus')}
        </Title>
        <div className={classes.statuses}>
          <Table aria-labelledby="by-status" className={classes.counts}>
            <Table.Tbody>
              {STATUSES.map((status) => (
                <Table.Tr key={status}>
                  <Table.Th scope="row" fw={400}>
                    <StatusMark status={status} />
                  </Table.Th>
                  <Table.Td className={classes.number}>{stats.sessions[status]}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          <Suspense fallback={<Skeleton height={200} />}>
            <StatusChart bars={STATUSES.map((status) => ({ word: app(status), count: stats.sessions[status] }))} />
          </Suspense>
        </div>
      </section>
      <section aria-labelledby="rates" className={classes.part}>
        <Title order={2} id="rates" mb="md">
          {t('rates')}
        </Title>
        <Rates stats={stats} />
      </section>
    </div>
  )
}

function Figure({ word, value, hint }: { word: string; value: string; hint: string }) {
  return (
    <div className={classes.figure}>
      <dt>{word}</dt>
      <dd className={classes.value}>{value}</dd>
      <dd className={classes.hint}>{hint}</dd>
    </div>
  )
}

/** The plan may leave them out; then it is said which has them. */
function Rates({ stats }: { stats: Stats }) {
  const { t } = useTranslation('dashboard')
  const { t: app } = useTranslation('app')
  const { plan } = useAccount()
  const rates: Stats['rates'] | undefined = stats.rates
  if (!rates) {
    return (
      <Text c="var(--quiet)">
        {t('ratesPlan', { plan })}{' '}
        <Anchor component={Link} href="/setup/plan" inherit>
          {t('toPlan')}
        </Anchor>
      </Text>
    )
  }
  if (RATES.every((rate) => rates[rate] === null)) return <Text c="var(--quiet)">{t('noneEnded')}</Text>
  return (
    <dl className={classes.figures}>
      {RATES.map((rate) => (
        <div key={rate} className={classes.figure}>
          <dt>{app(rate)}</dt>
          <dd className={classes.value}>{percent(rates[rate] ?? 0)}</dd>
        </div>
      ))}
    </dl>
  )
}

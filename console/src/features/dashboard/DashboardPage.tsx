// How the practice is doing today, this week and this month, and what comes next.
import './words'
import { SegmentedControl, Skeleton, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useSearchParams } from 'wouter'
import { useSessionTypes, useTimeZone } from '~/app/account'
import { longDay } from '~/i18n/format'
import { addDays, startOf } from '~/i18n/zone'
import { Failure } from '~/ui/Failure'
import { Page } from '~/ui/Page'
import { ComingSessions } from './ComingSessions'
import classes from './dashboard.module.css'
import { Figures } from './Figures'
import { FirstSteps } from './FirstSteps'
import { useAnySession, useStats } from './figures'
import { daysOf, isRange, momentsOf, RANGES } from './ranges'

export default function DashboardPage() {
  const { t } = useTranslation('dashboard')
  const zone = useTimeZone()
  const [place, setPlace] = useSearchParams()
  const asked = place.get('range')
  const range = isRange(asked) ? asked : 'week'
  const { from, to } = momentsOf(range, zone)
  const stats = useStats(from, to)
  const types = useSessionTypes()
  const any = useAnySession()

  if (any.data === false) {
    return (
      <Page title={t('title')}>
        <FirstSteps hasType={(types.data?.length ?? 0) > 0} />
      </Page>
    )
  }
  const { first, after } = daysOf(range, zone)
  const last = addDays(after, -1)
  const days = [first, ...(last === first ? [] : [last])].map((date) => longDay(startOf(date, zone), zone)).join(' – ')
  return (
    <Page
      title={t('title')}
      actions={
        <SegmentedControl
          aria-label={t('range')}
          value={range}
          onChange={(wanted) => setPlace({ range: wanted }, { replace: true })}
          data={RANGES.map((value) => ({ value, label: t(value) }))}
        />
      }
    >
      <Text c="var(--quiet)" mb="lg">
        {days}
      </Text>
      {stats.isError && <Failure error={stats.error} onRetry={() => void stats.refetch()} />}
      {stats.isPending && <Skeleton height={320} aria-busy />}
      <div className={classes.parts}>
        {stats.data && <Figures stats={stats.data} range={range} />}
        <ComingSessions />
      </div>
    </Page>
  )
}

// Who did what to the session, when, and why; the newest first.
import { Anchor, Button, Skeleton, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import type { Session } from '~/api/types'
import { useTimeZone } from '~/app/account'
import { useClaims, useScope } from '~/auth/session'
import { dayAndTime } from '~/i18n/format'
import { Failure } from '~/ui/Failure'
import { type Change, useChangeWords } from './changes'
import { Part } from './Part'
import classes from './panel.module.css'
import { useHistory } from './queries'

const FEW = 5
const ACTIONS = new Set([
  'created',
  'duplicated',
  'confirmed',
  'auto_confirmed',
  'completed',
  'no_show',
  'cancelled',
  'restored',
  'rescheduled',
  'updated',
  'deposit',
  'refund_decided',
  'client_merged',
  'erased',
])

export function HistoryPart({ session }: { session: Session }) {
  const { t } = useTranslation('session')
  const history = useHistory(session)
  const ops = useScope('ops')
  const [all, setAll] = useState(false)
  const changes = (history.data?.data ?? []).toReversed()
  return (
    <Part title={t('history')}>
      {history.isPending && <Skeleton height={96} />}
      {history.isError && <Failure error={history.error} onRetry={() => void history.refetch()} />}
      <ol className={classes.timeline} aria-label={t('history')}>
        {(all ? changes : changes.slice(0, FEW)).map((change) => (
          <Entry key={`${change.at} ${change.action}`} change={change} />
        ))}
      </ol>
      {changes.length > FEW && !all && (
        <Button variant="subtle" size="compact-sm" onClick={() => setAll(true)} style={{ alignSelf: 'flex-start' }}>
          {t('allHistory', { count: changes.length })}
        </Button>
      )}
      {ops && (
        <Anchor component={Link} href={`/operations?subject=${session.id}`} size="sm">
          {t('journey')}
        </Anchor>
      )}
    </Part>
  )
}

function Entry({ change }: { change: Change }) {
  const { t } = useTranslation('session')
  const zone = useTimeZone()
  const own = useClaims()?.sub
  const inWords = useChangeWords()
  const who =
    change.actor === own
      ? t('you')
      : ['client', 'system'].includes(change.actor)
        ? t(`by_${change.actor}`)
        : change.actor
  const unpaid = change.actor === 'system' && change.reason === 'deposit_unpaid'
  return (
    <li>
      <Text size="sm" fw={500}>
        {ACTIONS.has(change.action) ? t(`action_${change.action}`) : change.action}
      </Text>
      {inWords(change).map((words) => (
        <Text size="sm" key={words} style={{ overflowWrap: 'anywhere' }}>
          {words}
        </Text>
      ))}
      {change.reason && (
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {t('because', { reason: unpaid ? t('unpaidInTime') : change.reason })}
        </Text>
      )}
      <Text size="sm" c="var(--quiet)">
        {who}, {dayAndTime(change.at, zone)}
      </Text>
    </li>
  )
}

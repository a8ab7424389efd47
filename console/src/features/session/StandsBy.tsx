// What a pending session waits for, and why a cancelled one was cancelled.
import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Session } from '~/api/types'
import { useTimeZone } from '~/app/account'
import { dayAndTime } from '~/i18n/format'
import classes from './panel.module.css'

export function StandsBy({ session }: { session: Session }) {
  if (session.status === 'pending') return <Awaited session={session} />
  if (session.status === 'cancelled') return <Cancellation session={session} />
  return null
}

function Awaited({ session }: { session: Session }) {
  const { t } = useTranslation('session')
  const zone = useTimeZone()
  const unpaid = session.deposit?.status === 'required'
  const awaited: string[] = []
  if (session.source === 'online') {
    if (unpaid) awaited.push(t('awaitsDepositOnline'))
    if (session.auto_confirm_at)
      awaited.push(
        t(unpaid ? 'confirmsAfterDeposit' : 'confirmsItself', { when: dayAndTime(session.auto_confirm_at, zone) }),
      )
    else if (!unpaid) awaited.push(t('awaitsYou'))
  } else {
    awaited.push(t(session.client.email ? 'awaitsClient' : 'awaitsYouNoEmail'))
    if (unpaid) awaited.push(t('awaitsDeposit'))
  }
  return (
    <div role="note" aria-label={t('waitsFor')}>
      {awaited.map((words) => (
        <Text key={words} size="sm">
          {words}
        </Text>
      ))}
    </div>
  )
}

function Cancellation({ session }: { session: Session }) {
  const { t } = useTranslation('session')
  const zone = useTimeZone()
  const cancellation = session.cancellation
  if (!cancellation) return null
  const unpaid = cancellation.by === 'system' && cancellation.reason === 'deposit_unpaid'
  return (
    <div>
      <Text size="sm">
        {t(unpaid ? 'releasedUnpaid' : `cancelledBy_${cancellation.by}`, { when: dayAndTime(cancellation.at, zone) })}
      </Text>
      {cancellation.reason && !unpaid && <p className={classes.words}>{cancellation.reason}</p>}
    </div>
  )
}

// Which reminders are planned and why others are not, and every message that went out about the session.
import { Button, Skeleton, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, idempotencyKey, notifications } from '~/api/client'
import type { Delivery, Reminder, Session } from '~/api/types'
import { useTimeZone } from '~/app/account'
import { dayAndTime } from '~/i18n/format'
import { Failure } from '~/ui/Failure'
import { done } from '~/ui/toast'
import { MessageMark } from './MessageMark'
import { Part } from './Part'
import classes from './panel.module.css'
import { follow, useDeliveries, useReminders } from './queries'
import { refused } from './Refusal'

const FEW = 4
const WHY = new Set([
  'session_cancelled',
  'plan',
  'turned_off',
  'no_email',
  'no_phone',
  'opted_out',
  'too_late',
  'quiet_hours',
  'quota',
  'overtaken',
  'erased',
])

export function MessagesPart({ session }: { session: Session }) {
  const { t } = useTranslation('session')
  const reminders = useReminders(session.id)
  const deliveries = useDeliveries(session.id)
  const [all, setAll] = useState(false)
  const sent = deliveries.data ?? []
  return (
    <>
      <Part title={t('reminders')}>
        {reminders.isPending && <Skeleton height={48} />}
        {reminders.isError && <Failure error={reminders.error} onRetry={() => void reminders.refetch()} />}
        {reminders.data?.length === 0 && (
          <Text size="sm" c="var(--quiet)">
            {t('noReminders')}
          </Text>
        )}
        <ul className={classes.list} aria-label={t('reminders')}>
          {reminders.data?.map((reminder) => (
            <ReminderRow key={reminder.id} reminder={reminder} />
          ))}
        </ul>
      </Part>
      {/* The same service: said once where it is down. */}
      {!(deliveries.isError && reminders.isError) && (
        <Part title={t('messages')}>
          {deliveries.isPending && <Skeleton height={48} />}
          {deliveries.isError && <Failure error={deliveries.error} onRetry={() => void deliveries.refetch()} />}
          {deliveries.data?.length === 0 && (
            <Text size="sm" c="var(--quiet)">
              {t('noMessages')}
            </Text>
          )}
          <ul className={classes.list} aria-label={t('messages')}>
            {(all ? sent : sent.slice(0, FEW)).map((delivery) => (
              <DeliveryRow key={delivery.id} session={session} delivery={delivery} />
            ))}
          </ul>
          {sent.length > FEW && !all && (
            <Button variant="subtle" size="compact-sm" onClick={() => setAll(true)} style={{ alignSelf: 'flex-start' }}>
              {t('allMessages', { count: sent.length })}
            </Button>
          )}
        </Part>
      )}
    </>
  )
}

function ReminderRow({ reminder }: { reminder: Reminder }) {
  const { t } = useTranslation('session')
  const zone = useTimeZone()
  return (
    <li>
      <div className={classes.line}>
        <Text size="sm" span>
          {t('kindByChannel', { kind: t(`kind_${reminder.kind}`), channel: t(`channel_${reminder.channel}`) })}
        </Text>
        <MessageMark status={reminder.status} />
      </div>
      <Text size="sm" c="var(--quiet)">
        {dayAndTime(reminder.due_at, zone)}
        {reminder.reason && `: ${WHY.has(reminder.reason) ? t(`why_${reminder.reason}`) : reminder.reason}`}
      </Text>
    </li>
  )
}

function DeliveryRow({ session, delivery }: { session: Session; delivery: Delivery }) {
  const { t } = useTranslation('session')
  const zone = useTimeZone()
  const queries = useQueryClient()
  const status = String(delivery.status)
  const error = typeof delivery.error === 'string' ? delivery.error : undefined
  const kind = t(`kind_${delivery.kind}`)
  const resend = useMutation({
    mutationFn: () =>
      body(
        notifications.POST('/v1/deliveries/{delivery_id}/resend', {
          params: { path: { delivery_id: delivery.id }, header: idempotencyKey() },
          body: {},
        }),
      ),
    onSuccess: () => {
      follow(queries, session)
      done(t('resent'))
    },
    onError: refused,
  })
  return (
    <li>
      <div className={classes.line}>
        <Text size="sm" span>
          {t('kindByChannel', { kind, channel: t(`channel_${delivery.channel}`) })}
        </Text>
        <MessageMark status={status} />
      </div>
      <div className={classes.line}>
        <Text size="sm" c="var(--quiet)" span>
          {delivery.to && `${delivery.to}, `}
          {dayAndTime(delivery.sent_at ?? delivery.due_at, zone)}
          {delivery.resend_of && `, ${t('again')}`}
        </Text>
        {status !== 'queued' && (
          <Button
            variant="subtle"
            size="compact-xs"
            loading={resend.isPending}
            onClick={() => resend.mutate()}
            aria-label={t('resendOf', { kind, to: delivery.to ?? '' })}
          >
            {t('resend')}
          </Button>
        )}
      </div>
      {error && <Text size="sm">{WHY.has(error) ? t(`why_${error}`) : t('saysTheServer', { error })}</Text>}
      {status === 'unknown' && <Text size="sm">{t('unknownHelp')}</Text>}
    </li>
  )
}

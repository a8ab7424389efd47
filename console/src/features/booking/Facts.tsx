// What an appointment is and how it stands, as rows of words.
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { money } from '~/i18n/format'
import { StatusMark } from '~/ui/StatusMark'
import { type Appointment, waits } from './appointment'
import classes from './booking.module.css'
import { Price } from './Price'
import { fromTo, wholeDay } from './when'

export function Facts({ appointment, zone }: { appointment: Appointment; zone: string }) {
  const { t } = useTranslation('booking')
  const { service, provider, calendar, starts_at, ends_at, status, deposit } = appointment
  return (
    <dl className={classes.rows}>
      <Row name={t('what')}>{service.name}</Row>
      <Row name={t('when')}>
        <strong>{wholeDay(starts_at, zone)}</strong>
        <br />
        {fromTo(starts_at, ends_at, zone)}
        <br />
        <span className={classes.quiet}>{zone.replaceAll('_', ' ')}</span>
      </Row>
      <Row name={t('with')}>
        {calendar.name === provider.name ? provider.name : `${calendar.name}, ${provider.name}`}
      </Row>
      <Row name={t('status')}>
        <StatusMark status={status} />
        {status === 'pending' && (
          <span className={classes.quiet}> · {t(WAITING[waits(appointment) ?? 'provider'])}</span>
        )}
      </Row>
      <Row name={t('price')}>
        <Price price={appointment.price} />
      </Row>
      {deposit && deposit.status !== 'not_asked' && (
        <Row name={t('deposit')}>
          <DepositWords appointment={appointment} />
        </Row>
      )}
      {appointment.notes && <Row name={t('notesFrom', { name: provider.name })}>{appointment.notes}</Row>}
      {appointment.client_message && <Row name={t('yourMessage')}>{appointment.client_message}</Row>}
    </dl>
  )
}

const WAITING = { payment: 'statusUnpaid', client: 'statusToConfirm', provider: 'statusPending' } as const

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={classes.row}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** How a deposit stands; followed by how long banks take where money is on its way back. */
function DepositWords({ appointment }: { appointment: Appointment }) {
  const { t } = useTranslation('booking')
  const { deposit, provider } = appointment
  if (!deposit) return null
  const { currency, amount, held_amount: held, refunded_amount: refunded } = deposit
  const word = DEPOSIT[deposit.status] ?? 'depositRequired'
  const back = ['refund_pending', 'refunded', 'partially_refunded'].includes(deposit.status)
  return (
    <span aria-live="polite">
      {t(word, {
        name: provider.name,
        amount: money({ amount: deposit.status === 'required' ? deposit.due_amount : amount, currency }),
        refunded: money({ amount: refunded, currency }),
        paid: money({ amount: held + refunded, currency }),
      })}
      {back && <span className={classes.quiet}>. {t('banks')}</span>}
    </span>
  )
}

const DEPOSIT: Record<string, string> = {
  required: 'depositRequired',
  paid: 'depositPaid',
  refund_pending: 'depositRefundPending',
  refunded: 'depositRefunded',
  partially_refunded: 'depositPartly',
  kept: 'depositKept',
  refund_failed: 'depositFailed',
  canceled: 'depositCanceled',
  disputed: 'depositDisputed',
}

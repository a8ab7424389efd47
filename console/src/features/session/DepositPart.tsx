// How the session's deposit stands, its payment link, and every refund with what became of it.
import { Button, Group, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, idempotencyKey, payments } from '~/api/client'
import type { Deposit, Session } from '~/api/types'
import { money } from '~/i18n/format'
import { ButtonLink } from '~/ui/ButtonLink'
import { Failure } from '~/ui/Failure'
import { DepositMark } from '~/ui/StatusMark'
import { done } from '~/ui/toast'
import { CashForm } from './CashForm'
import { useOvertaken } from './overtaken'
import { Part } from './Part'
import { PaymentLink } from './PaymentLink'
import classes from './panel.module.css'
import { follow, useDeposits } from './queries'
import { RefundList } from './RefundList'
import { Refusal } from './Refusal'

type Standing = NonNullable<Session['deposit']>

export function DepositPart({ session, onRefund }: { session: Session; onRefund: () => void }) {
  const { t } = useTranslation('session')
  const deposits = useDeposits(session)
  const kept = deposits.data?.[0]
  const standing = stands(session.deposit, kept)
  if (!standing) {
    // Without a deposit there is nothing to miss while payments is down.
    return null
  }
  return (
    <Part
      title={t('deposit')}
      action={
        <span role="status">
          <DepositMark status={standing.status} />
        </span>
      }
    >
      <Text size="sm">{inWords(standing, session, t)}</Text>
      {standing.status === 'not_asked' && <WhatToDo reason={standing.reason} />}
      <Amounts standing={standing} />
      {session.payment_url && <PaymentLink url={session.payment_url} />}
      {deposits.isError && <Failure error={deposits.error} onRetry={() => void deposits.refetch()} />}
      {kept && kept.refunds.length > 0 && <RefundList refunds={kept.refunds} />}
      {kept && <DepositActions session={session} deposit={kept} onRefund={onRefund} />}
    </Part>
  )
}

/** Payments knows best, but hears of a decision a moment after scheduling. */
function stands(told: Session['deposit'], kept: Deposit | undefined): Standing | null {
  if (!kept) return told
  if (told?.status === 'refund_pending' && kept.status === 'paid') return told
  return kept
}

function inWords(
  standing: Standing,
  session: Session,
  t: (key: string, values?: Record<string, string>) => string,
): string {
  const { status, currency } = standing
  const values = {
    amount: money({ amount: standing.amount, currency }),
    held: money({ amount: standing.held_amount, currency }),
    due: money({ amount: standing.due_amount, currency }),
    refunded: money({ amount: standing.refunded_amount, currency }),
  }
  if (status === 'not_asked') return t(`notAsked_${standing.reason ?? 'unknown'}`, values)
  if (status === 'paid' && session.status === 'cancelled') return t('stands_paid_cancelled', values)
  return t(`stands_${status}`, values)
}

function WhatToDo({ reason }: { reason: string | null }) {
  const { t } = useTranslation('session')
  const tab = reason === 'plan' ? 'plan' : 'payments'
  return (
    <Group>
      <ButtonLink href={`/setup/${tab}`} variant="default" size="xs">
        {t(`toSetup_${tab}`)}
      </ButtonLink>
    </Group>
  )
}

function Amounts({ standing }: { standing: Standing }) {
  const { t } = useTranslation('session')
  const { currency } = standing
  const rows = [
    ['amount', standing.amount],
    ['held', standing.held_amount],
    ['due', standing.due_amount],
    ['refunded', standing.refunded_amount],
  ] as const
  return (
    <dl className={classes.facts}>
      {rows
        .filter(([name, amount]) => name === 'amount' || (amount > 0 && amount !== standing.amount))
        .map(([name, amount]) => (
          <div key={name} style={{ display: 'contents' }}>
            <dt>{t(`amount_${name}`)}</dt>
            <dd>{money({ amount, currency })}</dd>
          </div>
        ))}
    </dl>
  )
}

function DepositActions({ session, deposit, onRefund }: { session: Session; deposit: Deposit; onRefund: () => void }) {
  const { t } = useTranslation('session')
  const queries = useQueryClient()
  const [cash, setCash] = useState(false)
  const retry = useMutation({
    mutationFn: () =>
      body(
        payments.POST('/v1/deposits/{deposit_id}/retry-refund', {
          params: { path: { deposit_id: deposit.id }, header: idempotencyKey() },
          body: {},
        }),
      ),
    onSuccess: () => {
      follow(queries, session)
      done(t('retried'))
    },
    onError: useOvertaken(session, () => retry.reset()),
  })
  const onItsWay = deposit.refunds
    .filter(({ status }) => status === 'pending' || status === 'requires_action')
    .reduce((sum, { amount }) => sum + amount, 0)
  const payable =
    session.status !== 'cancelled' &&
    (deposit.status === 'not_asked' || (deposit.status === 'required' && deposit.due_amount > 0))
  const refundable = deposit.status !== 'disputed' && deposit.held_amount - onItsWay > 0
  const failed = deposit.status === 'refund_failed' || ['failed', 'canceled'].includes(deposit.refunds[0]?.status ?? '')
  if (cash && payable) return <CashForm session={session} deposit={deposit} onDone={() => setCash(false)} />
  if (!payable && !refundable && !failed) return null
  return (
    <>
      {retry.isError && <Refusal error={retry.error} currency={deposit.currency} />}
      <Group gap="sm">
        {failed && (
          <Button size="xs" loading={retry.isPending} onClick={() => retry.mutate()}>
            {t('retryRefund')}
          </Button>
        )}
        {payable && (
          <Button size="xs" variant="default" onClick={() => setCash(true)}>
            {t('markPaid')}
          </Button>
        )}
        {refundable && (
          <Button size="xs" variant="default" onClick={onRefund}>
            {t('refundByHand')}
          </Button>
        )}
      </Group>
    </>
  )
}

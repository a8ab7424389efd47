// The deposits of several sessions of a series that are cancelled at once, and one decision for all of them.
import { Button, Group, Text } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { DepositAtStake } from '~/api/problem'
import { useTimeZone } from '~/app/account'
import { dayAndTime, money } from '~/i18n/format'
import type { Decision } from './CancelForm'
import classes from './panel.module.css'
import { quoteOf } from './queries'

export function SeriesDecision({
  deposits,
  pending,
  onDecide,
}: {
  deposits: DepositAtStake[]
  pending: Decision | undefined
  onDecide: (decision: Decision) => void
}) {
  const { t } = useTranslation('session')
  const zone = useTimeZone()
  const quotes = useQueries({ queries: deposits.map(({ session_id }) => quoteOf(session_id)) })
  const known = quotes.flatMap(({ data }) => data ?? [])
  const complete = known.length === deposits.length
  const currency = deposits[0]?.currency ?? 'EUR'
  const sum = money({ amount: known.reduce((all, { amount }) => all + amount, 0), currency })
  return (
    <section aria-label={t('quote')}>
      <Text fw={600} mb="sm">
        {t('depositsPaid', { count: deposits.length })}
      </Text>
      <table className={classes.quote}>
        <thead>
          <tr>
            <th scope="col">{t('session')}</th>
            <th scope="col">{t('amount_held')}</th>
            <th scope="col">{t('goesBack')}</th>
          </tr>
        </thead>
        <tbody>
          {deposits.map((deposit, place) => {
            const quote = quotes[place]
            return (
              <tr key={deposit.session_id}>
                <td>{dayAndTime(deposit.starts_at, zone)}</td>
                <td>{money({ amount: deposit.held_amount, currency: deposit.currency })}</td>
                <td>{quote?.data ? money(quote.data) : quote?.isPending ? '…' : t('notKnown')}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
      {quotes.some(({ isError }) => isError) && (
        <Text size="sm" mt="sm" role="alert">
          {t('noQuoteHint')}
        </Text>
      )}
      <Group gap="sm" mt="md">
        <Button
          loading={pending?.refund === 'refund'}
          disabled={pending !== undefined}
          onClick={() => onDecide({ refund: 'refund' })}
        >
          {complete ? t('refundByPolicyAmount', { amount: sum }) : t('refundByPolicy')}
        </Button>
        <Button
          variant="default"
          loading={pending?.refund === 'skip'}
          disabled={pending !== undefined}
          onClick={() => onDecide({ refund: 'skip' })}
        >
          {t('skipRefund')}
        </Button>
      </Group>
      <Text size="sm" c="var(--quiet)" mt="sm">
        {t('banksTake')}
      </Text>
    </section>
  )
}

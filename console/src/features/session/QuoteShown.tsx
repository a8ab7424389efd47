// A quote in words: how much, by which rule, and when it becomes less.
import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { components } from '~/api/generated/payments'
import type { Session } from '~/api/types'
import { useTimeZone } from '~/app/account'
import { dayAndTime, money, time } from '~/i18n/format'
import classes from './panel.module.css'

export type Quote = components['schemas']['QuoteOut']

export function QuoteShown({ quote, session }: { quote: Quote; session: Session }) {
  const { t } = useTranslation('session')
  const zone = useTimeZone()
  const { currency } = quote
  const begun = new Date(session.starts_at) <= new Date(quote.at)
  const nothing = quote.percentage > 0 && quote.amount === 0
  const goneBack = nothing && (session.deposit?.refunded_amount ?? 0) > 0
  const cash = nothing && !goneBack
  const rows = [{ percentage: quote.percentage, amount: quote.amount }, ...quote.changes]
  return (
    <section aria-label={t('quote')} aria-live="polite">
      <Text fw={600}>
        {cash ? t('quoteCash') : t('quoteAmount', { amount: money(quote), percentage: quote.percentage })}
      </Text>
      <Text size="sm" c="var(--quiet)" mb="sm">
        {begun
          ? t('tierBegun')
          : quote.tier
            ? quote.tier.hours_before > 0
              ? t('tier', { count: quote.tier.hours_before, percentage: quote.tier.percentage })
              : t('tierLast', { percentage: quote.tier.percentage })
            : t('tierNone', { percentage: quote.percentage })}
        {goneBack && ` ${t('refundReason_already_refunded')}`}
      </Text>
      {quote.changes.length > 0 && !cash && (
        <table className={classes.quote}>
          <caption>{t('quoteChanges')}</caption>
          <thead>
            <tr>
              <th scope="col">{t('quoteWhen')}</th>
              <th scope="col">{t('quoteShare')}</th>
              <th scope="col">{t('amount')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ percentage, amount }, place) => {
              const until = quote.changes[place]?.at
              return (
                <tr key={until ?? 'last'} className={place === 0 ? classes.now : undefined}>
                  <td>{until ? t('until', { when: dayAndTime(until, zone) }) : t('afterThat')}</td>
                  <td>{t('share', { percentage })}</td>
                  <td>{money({ amount, currency })}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      )}
      {!cash && (
        <Text size="sm" c="var(--quiet)" mt="sm">
          {quote.expires_at && `${t('quoteHolds', { when: time(quote.expires_at, zone) })} `}
          {quote.amount > 0 && t('banksTake')}
        </Text>
      )}
    </section>
  )
}

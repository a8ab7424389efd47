// What a client should know before they give their details: price, deposit, confirmation, and how to change it later.
import type { TFunction } from 'i18next'
import { useTranslation } from 'react-i18next'
import { money } from '~/i18n/format'
import classes from './booking.module.css'
import type { Offered, Rules } from './offers'
import { Price } from './Price'

export function GoodToKnow({ practice, type, rules }: { practice: string; type: Offered; rules: Rules }) {
  const { t } = useTranslation('booking')
  const rest =
    type.deposit && type.price && type.price.amount > type.deposit.amount
      ? money({ ...type.price, amount: type.price.amount - type.deposit.amount })
      : undefined
  return (
    <dl className={classes.rules}>
      <dt>{t('price')}</dt>
      <dd>
        <Price price={type.price} />
      </dd>
      {type.deposit && (
        <>
          <dt>{t('ruleDeposit')}</dt>
          <dd>
            {t('ruleDepositText', { amount: money(type.deposit) })} {rest && t('restLater', { amount: rest })}
          </dd>
        </>
      )}
      <dt>{t('ruleConfirm')}</dt>
      <dd>{t(confirmation(rules, type), { name: practice })}</dd>
      <dt>{t('ruleChange')}</dt>
      <dd>
        {rules.client_cancellation
          ? t('ruleCancelAndMove', {
              cancel: before(t, rules.cancel_cutoff_hours),
              move: before(t, rules.reschedule_cutoff_hours),
            })
          : t('ruleMoveOnly', { move: before(t, rules.reschedule_cutoff_hours), name: practice })}{' '}
        {type.deposit && rules.client_cancellation && t('ruleRefund', { name: practice })}
      </dd>
    </dl>
  )
}

function confirmation(rules: Rules, type: Offered): string {
  if (rules.auto_confirm === 'immediate') return type.deposit ? 'ruleImmediateDeposit' : 'ruleImmediate'
  if (rules.auto_confirm === 'after_timeout') return type.deposit ? 'ruleTimeoutDeposit' : 'ruleTimeout'
  return 'ruleManual'
}

function before(t: TFunction, hours: number): string {
  return hours ? t('booking:hoursBefore', { count: hours }) : t('booking:untilStart')
}

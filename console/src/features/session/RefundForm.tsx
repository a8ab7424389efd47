// A refund by hand, whatever the policy says: a percentage of what was paid, or an amount.
import { Button, Group, NumberInput, SegmentedControl, Stack, Text, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, payments } from '~/api/client'
import { useKeyFor } from '~/api/keyFor'
import { Problem } from '~/api/problem'
import type { Deposit, Session } from '~/api/types'
import { language } from '~/i18n'
import { digits, money } from '~/i18n/format'
import { done } from '~/ui/toast'
import { Form } from './Form'
import { follow, useDeposits } from './queries'
import { Refusal } from './Refusal'

type Way = 'percentage' | 'amount'

export function RefundForm({ session, onDone }: { session: Session; onDone: () => void }) {
  const { t } = useTranslation('session')
  const deposit = useDeposits(session).data?.[0]
  if (!deposit) return null
  return <Fields key={deposit.id} session={session} deposit={deposit} onDone={onDone} title={t('refundTitle')} />
}

function Fields({
  session,
  deposit,
  onDone,
  title,
}: {
  session: Session
  deposit: Deposit
  onDone: () => void
  title: string
}) {
  const { t } = useTranslation('session')
  const queries = useQueryClient()
  const keyFor = useKeyFor()
  const { currency } = deposit
  const decimals = digits(currency)
  const [way, setWay] = useState<Way>('percentage')
  const [percentage, setPercentage] = useState<number | string>(100)
  const [amount, setAmount] = useState<number | string>(deposit.held_amount / 10 ** decimals)
  const [reason, setReason] = useState('')
  const refund = useMutation({
    mutationFn: () => {
      const sent = {
        percentage: way === 'percentage' ? Number(percentage) : null,
        amount: way === 'amount' ? Math.round(Number(amount) * 10 ** decimals) : null,
        reason: reason.trim() || null,
      }
      return body(
        payments.POST('/v1/deposits/{deposit_id}/refunds', {
          params: { path: { deposit_id: deposit.id }, header: keyFor(sent) },
          body: sent,
        }),
      )
    },
    onSuccess: () => {
      follow(queries, session)
      done(t('refundBegun'))
      onDone()
    },
    onError: () => follow(queries, session),
  })
  const problem = refund.error instanceof Problem ? refund.error : undefined
  const typed = way === 'percentage' ? percentage : amount
  const empty = typed === '' || Number(typed) <= 0
  const separator = language() === 'de' ? ',' : '.'
  return (
    <Form title={title} onBack={onDone} onSubmit={() => !empty && refund.mutate()}>
      <Text size="sm">{t('refundHeld', { held: money({ amount: deposit.held_amount, currency }) })}</Text>
      <SegmentedControl
        aria-label={t('refundWay')}
        value={way}
        onChange={(value) => setWay(value === 'amount' ? 'amount' : 'percentage')}
        data={[
          { value: 'percentage', label: t('percentage') },
          { value: 'amount', label: t('amount') },
        ]}
      />
      {way === 'percentage' ? (
        <NumberInput
          label={t('percentageOfPaid')}
          value={percentage}
          onChange={setPercentage}
          min={1}
          max={100}
          allowDecimal={false}
          allowNegative={false}
          suffix=" %"
          error={problem?.field('/percentage')}
        />
      ) : (
        <NumberInput
          label={t('amountIn', { currency })}
          value={amount}
          onChange={setAmount}
          min={0}
          decimalScale={decimals}
          fixedDecimalScale
          decimalSeparator={separator}
          allowNegative={false}
          error={problem?.field('/amount')}
        />
      )}
      <Textarea
        label={t('reasonOptional')}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        maxLength={500}
        autosize
        minRows={2}
        error={problem?.field('/reason')}
      />
      <Text size="sm" c="var(--quiet)">
        {t('banksTake')}
      </Text>
      <Stack gap="sm" aria-live="polite">
        {refund.isError && problem?.status !== 422 && (
          <Refusal
            error={refund.error}
            currency={currency}
            words={problem?.code === 'invalid_transition' ? t('noCardReached') : undefined}
          />
        )}
      </Stack>
      <Group gap="sm">
        <Button type="submit" loading={refund.isPending} disabled={empty}>
          {t('refundNow')}
        </Button>
      </Group>
    </Form>
  )
}

// Cancelling by the client's link: what becomes of the deposit, an optional reason, and a way out.
import { Alert, Button, Group, Text, Textarea, Title } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, scheduling } from '~/api/client'
import { useKeyFor } from '~/api/keyFor'
import { Problem } from '~/api/problem'
import { money } from '~/i18n/format'
import { type Appointment, due, held, type Quote, quoteOf } from './appointment'
import classes from './booking.module.css'
import { useRefusal } from './Trouble'
import { dayAtTime } from './when'

export function CancelForm({
  token,
  appointment,
  zone,
  onKeep,
  onDone,
  onPassed,
}: {
  token: string
  appointment: Appointment
  zone: string
  onKeep: () => void
  onDone: (after: Appointment) => void
  onPassed: (error: unknown) => boolean
}) {
  const { t } = useTranslation('booking')
  const refusal = useRefusal()
  const [reason, setReason] = useState('')
  const [failure, setFailure] = useState<string>()
  const keyFor = useKeyFor()
  const title = useRef<HTMLHeadingElement>(null)
  useEffect(() => title.current?.focus(), [])
  const name = appointment.provider.name
  const quote = useQuery(quoteOf(token, appointment))
  // Where payments does not answer, the policy of the moment holds, without a figure.
  const asking = held(appointment) !== undefined && quote.isPending && quote.failureCount === 0
  const cancel = useMutation({
    mutationFn: () => {
      const asked = { reason: reason.trim() || null, refund_quote_id: quote.data?.quote_id ?? null }
      return body(
        scheduling.POST('/v1/manage/{token}/cancel', {
          params: { path: { token }, header: keyFor(asked) },
          body: asked,
        }),
      )
    },
    onSuccess: onDone,
    onError: (error) => {
      if (onPassed(error)) return
      const expired = error instanceof Problem && error.code === 'quote_expired'
      if (expired) void quote.refetch()
      setFailure(expired ? t('quoteAnew') : refusal(error))
    },
  })
  return (
    <section className={classes.part} aria-labelledby="cancel">
      <Title order={2} id="cancel" ref={title} tabIndex={-1} mb="sm" className={classes.stepTitle}>
        {t('cancelTitle')}
      </Title>
      <Text mb="md">
        {t('cancelNoDeposit', { name })}{' '}
        <DepositThen appointment={appointment} quote={quote.data} asking={asking} zone={zone} />
      </Text>
      <Textarea
        label={`${t('reason')} (${t('optional')})`}
        description={t('reasonHint', { name })}
        autosize
        minRows={2}
        maxLength={1000}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        mb="md"
      />
      {failure && (
        <Alert color="red" role="alert" mb="md">
          {failure}
        </Alert>
      )}
      <Group gap="sm">
        <Button color="red.9" loading={cancel.isPending} disabled={asking} onClick={() => cancel.mutate()}>
          {t('cancelNow')}
        </Button>
        <Button variant="default" onClick={onKeep}>
          {t('keepIt')}
        </Button>
      </Group>
    </section>
  )
}

/** What becomes of the deposit, and when less of it would come back. */
function DepositThen({
  appointment,
  quote,
  asking,
  zone,
}: {
  appointment: Appointment
  quote?: Quote
  asking: boolean
  zone: string
}) {
  const { t } = useTranslation('booking')
  const { provider, cancel_until } = appointment
  const paid = held(appointment)
  if (!paid) {
    const open = due(appointment)
    return open ? t('cancelDepositDue', { amount: money(open) }) : null
  }
  const words = { amount: money(paid), name: provider.name }
  if (asking) return t('quoteAsked', words)
  if (!quote) return t('cancelDepositPaid', words)
  const { percentage, amount, currency, changes } = quote
  if (amount === 0) return t(percentage > 0 ? 'quoteCash' : 'quoteNothing', words)
  const [change] = changes
  const less = change && cancel_until && Date.parse(change.at) < Date.parse(cancel_until) ? change : undefined
  return (
    <>
      {t('quoteBack', { ...words, back: money({ amount, currency }), percentage })}{' '}
      {less &&
        t('quoteLess', {
          moment: dayAtTime(less.at, zone),
          back: money({ amount: less.amount, currency }),
          percentage: less.percentage,
        })}
    </>
  )
}

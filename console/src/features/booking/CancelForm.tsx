// Cancelling by the client's link: what becomes of the deposit, an optional reason, and a way out.
import { Alert, Button, Group, Text, Textarea, Title } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, scheduling } from '~/api/client'
import { useKeyFor } from '~/api/keyFor'
import { money } from '~/i18n/format'
import { type Appointment, due } from './appointment'
import classes from './booking.module.css'
import { useRefusal } from './Trouble'

export function CancelForm({
  token,
  appointment,
  onKeep,
  onDone,
  onPassed,
}: {
  token: string
  appointment: Appointment
  onKeep: () => void
  onDone: (after: Appointment) => void
  onPassed: (error: unknown) => boolean
}) {
  const { t } = useTranslation('booking')
  const refusal = useRefusal()
  const [reason, setReason] = useState('')
  const [failure, setFailure] = useState<Error>()
  const keyFor = useKeyFor()
  const title = useRef<HTMLHeadingElement>(null)
  useEffect(() => title.current?.focus(), [])
  const name = appointment.provider.name
  const cancel = useMutation({
    mutationFn: () => {
      const asked = { reason: reason.trim() || null }
      return body(
        scheduling.POST('/v1/manage/{token}/cancel', {
          params: { path: { token }, header: keyFor(asked) },
          body: asked,
        }),
      )
    },
    onSuccess: onDone,
    onError: (error) => {
      if (!onPassed(error)) setFailure(error)
    },
  })
  return (
    <section className={classes.part} aria-labelledby="cancel">
      <Title order={2} id="cancel" ref={title} tabIndex={-1} mb="sm" className={classes.stepTitle}>
        {t('cancelTitle')}
      </Title>
      <Text mb="md">
        {t('cancelNoDeposit', { name })} <DepositThen appointment={appointment} />
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
          {refusal(failure)}
        </Alert>
      )}
      <Group gap="sm">
        <Button color="red.9" loading={cancel.isPending} onClick={() => cancel.mutate()}>
          {t('cancelNow')}
        </Button>
        <Button variant="default" onClick={onKeep}>
          {t('keepIt')}
        </Button>
      </Group>
    </section>
  )
}

/** What becomes of the deposit. By which percentage it comes back is told to providers alone. */
function DepositThen({ appointment }: { appointment: Appointment }) {
  const { t } = useTranslation('booking')
  const { deposit, provider } = appointment
  if (deposit && deposit.held_amount > 0)
    return t('cancelDepositPaid', {
      amount: money({ amount: deposit.held_amount, currency: deposit.currency }),
      name: provider.name,
    })
  const open = due(appointment)
  return open ? t('cancelDepositDue', { amount: money(open) }) : null
}

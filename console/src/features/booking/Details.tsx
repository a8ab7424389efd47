// The last step before booking: who the client is. The time is kept from the first letter on.
import { Alert, Button, Group, Text, Textarea, TextInput, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { body, scheduling } from '~/api/client'
import { useKeyFor } from '~/api/keyFor'
import { Problem } from '~/api/problem'
import { money } from '~/i18n/format'
import { IconAlertTriangle, IconArrowLeft } from '~/ui/icons'
import type { Appointment } from './appointment'
import classes from './booking.module.css'
import type { Holds } from './holds'
import type { BookingPageData, Offered } from './offers'
import { useRefusal } from './Trouble'
import { clockTime } from './when'

export type Filled = { name: string; email: string; phone: string; notes: string }

const GONE = ['slot_taken', 'slot_unavailable', 'outside_working_hours']

export function Details({
  page,
  type,
  calendarId,
  start,
  zone,
  holds,
  filled,
  onFilled,
  onBack,
  onLost,
  onBooked,
}: {
  page: BookingPageData
  type: Offered
  calendarId?: string
  start: string
  zone: string
  holds: Holds
  /** What was typed before, at another time. */
  filled: Filled
  onFilled: (filled: Filled) => void
  onBack: () => void
  /** The time is somebody else's, or not offered any more. */
  onLost: (problem: Problem) => void
  onBooked: (appointment: Appointment) => void
}) {
  const { t } = useTranslation('booking')
  const refusal = useRefusal()
  const wanted = { serviceId: type.id, calendarId, startsAt: start }
  const title = useRef<HTMLHeadingElement>(null)
  const keyFor = useKeyFor()
  useEffect(() => title.current?.focus(), [])

  const lost = (error: unknown): boolean => {
    if (!(error instanceof Problem) || !GONE.includes(error.code)) return false
    holds.forget(wanted)
    onLost(error)
    return true
  }

  const form = useForm<Filled>({
    initialValues: filled,
    validate: {
      name: (name) => (name.trim() ? null : t('nameMissing')),
      email: (email) => (/^\S+@\S+\.\S+$/.test(email.trim()) ? null : t('emailWrong')),
    },
    onValuesChange: (values) => {
      onFilled(values)
      // Whatever else is wrong is told on booking.
      holds.keep(wanted).catch(lost)
    },
  })

  const book = useMutation({
    mutationFn: async (values: Filled) => {
      const ask = async () => {
        const hold = await holds.keep(wanted)
        const asked = {
          service_id: type.id,
          starts_at: start,
          calendar_id: calendarId ?? null,
          hold_id: hold.id,
          timezone: zone,
          client: { name: values.name.trim(), email: values.email.trim(), phone: values.phone.trim() || null },
          notes: values.notes.trim() || null,
        }
        return body(
          scheduling.POST('/v1/booking/{username}/sessions', {
            params: { path: { username: page.username }, header: keyFor(asked) },
            body: asked,
          }),
        )
      }
      try {
        return await ask()
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== 'hold_invalid') throw error
        // It has ended: the time may still be free.
        holds.forget(wanted)
        return await ask()
      }
    },
    onSuccess: (appointment) => {
      holds.forget(wanted)
      onBooked(appointment)
    },
    onError: (error) => {
      if (lost(error) || !(error instanceof Problem)) return
      form.setErrors({
        ...(error.field('/client/name') && { name: t('nameMissing') }),
        ...(error.field('/client/email') && { email: t('emailWrong') }),
        ...(error.field('/client/phone') && { phone: t('phoneWrong') }),
        ...(error.field('/notes') && { notes: error.field('/notes') }),
      })
    },
  })
  const held = holds.find(wanted)
  const atField = book.error instanceof Problem && book.error.status === 422 && Object.keys(form.errors).length > 0

  return (
    <section className={classes.details} aria-labelledby="details">
      <Title order={2} id="details" ref={title} tabIndex={-1} mb="md" className={classes.stepTitle}>
        {t('details')}
      </Title>
      <form onSubmit={form.onSubmit((values) => book.mutate(values))} noValidate>
        <div className={classes.fields}>
          <TextInput label={t('name')} autoComplete="name" required maxLength={200} {...form.getInputProps('name')} />
          <TextInput
            label={t('email')}
            description={t('emailHint')}
            type="email"
            autoComplete="email"
            required
            maxLength={254}
            {...form.getInputProps('email')}
          />
          <TextInput
            label={`${t('phone')} (${t('optional')})`}
            description={t('phoneHint')}
            type="tel"
            autoComplete="tel"
            maxLength={50}
            {...form.getInputProps('phone')}
          />
          <Textarea
            label={`${t('message', { name: page.name })} (${t('optional')})`}
            autosize
            minRows={3}
            maxLength={10_000}
            {...form.getInputProps('notes')}
          />
        </div>
        <Text size="sm" c="var(--quiet)" my="md">
          {t('privacy', { name: page.name })}
        </Text>
        {book.isError && !atField && (
          <Alert color="red" icon={<IconAlertTriangle aria-hidden />} role="alert" mb="md">
            {refusal(book.error)}
          </Alert>
        )}
        <Group justify="space-between" gap="md">
          <Button
            variant="subtle"
            color="gray"
            c="var(--mantine-color-text)"
            leftSection={<IconArrowLeft size={16} aria-hidden />}
            onClick={onBack}
          >
            {t('backToTimes')}
          </Button>
          <Button type="submit" loading={book.isPending}>
            {type.deposit ? t('bookAndPay', { amount: money(type.deposit) }) : t('book')}
          </Button>
        </Group>
        <Text size="sm" c="var(--quiet)" mt="md" role="status">
          {held && t('keptUntil', { time: clockTime(held.expires_at, zone) })}
        </Text>
      </form>
    </section>
  )
}

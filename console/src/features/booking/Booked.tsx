// The end of a booking: what was booked, what happens next, and the way to change it.
import { Button, Group, Text, Title } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { money } from '~/i18n/format'
import { ButtonLink } from '~/ui/ButtonLink'
import { IconCalendarPlus } from '~/ui/icons'
import { type Appointment, due, payBy, tokenOf, useAppointment, waits } from './appointment'
import classes from './booking.module.css'
import { download } from './calendarFile'
import { Facts } from './Facts'
import { Frame } from './Frame'
import { PayDeposit } from './PayDeposit'
import { dayAtTime, soon } from './when'

export function Booked({ booked, zone, again }: { booked: Appointment; zone: string; again: string }) {
  const { t } = useTranslation('booking')
  const appointment = useAppointment(tokenOf(booked), booked).data ?? booked
  const title = useRef<HTMLHeadingElement>(null)
  useEffect(() => title.current?.focus(), [])
  return (
    <Frame title={appointment.provider.name} narrow>
      <div className={classes.card}>
        <Title order={1} ref={title} tabIndex={-1} className={classes.stepTitle}>
          {t(headline(appointment))}
        </Title>
        <Said appointment={appointment} zone={zone} />
        <Facts appointment={appointment} zone={zone} />
        <Group gap="sm">
          <PayDeposit appointment={appointment} />
          {appointment.status !== 'cancelled' && (
            <Button
              variant="default"
              leftSection={<IconCalendarPlus size={18} aria-hidden />}
              onClick={() => download(appointment)}
            >
              {t('addToCalendar')}
            </Button>
          )}
          <ButtonLink href={`/manage/${tokenOf(appointment)}`} variant="default">
            {t('manage')}
          </ButtonLink>
          <ButtonLink href={again} variant="subtle">
            {t('bookAnother')}
          </ButtonLink>
        </Group>
      </div>
    </Frame>
  )
}

function headline(appointment: Appointment): string {
  if (due(appointment)) return 'donePay'
  return appointment.status === 'confirmed' ? 'doneConfirmed' : 'donePending'
}

function Said({ appointment, zone }: { appointment: Appointment; zone: string }) {
  const { t } = useTranslation('booking')
  const name = appointment.provider.name
  const open = due(appointment)
  const words = () => {
    if (appointment.status === 'cancelled')
      return t('saidReleased', { moment: dayAtTime(appointment.cancellation?.at ?? appointment.updated_at, zone) })
    if (open && waits(appointment) === 'payment') {
      const until = payBy(appointment)
      if (!until) return t('saidPay', { amount: money(open) })
      return `${t('saidPayOwn', { amount: money(open) })} ${t('payBy', { time: soon(until, zone) })}`
    }
    if (appointment.status !== 'pending') return t('saidConfirmed')
    return appointment.auto_confirm_at
      ? t('saidPendingUntil', { name, moment: dayAtTime(appointment.auto_confirm_at, zone) })
      : t('saidPending', { name })
  }
  return (
    <Text my="md" role="status">
      {words()}
    </Text>
  )
}

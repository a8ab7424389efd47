// To the page on which the deposit is paid, in the same tab.
import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { money } from '~/i18n/format'
import { IconCreditCard } from '~/ui/icons'
import { type Appointment, due } from './appointment'

export function PayDeposit({ appointment }: { appointment: Appointment }) {
  const { t } = useTranslation('booking')
  const amount = due(appointment)
  if (!amount || !appointment.payment_url) return null
  return (
    <Button component="a" href={appointment.payment_url} leftSection={<IconCreditCard size={18} aria-hidden />}>
      {t('payDeposit', { amount: money(amount) })}
    </Button>
  )
}

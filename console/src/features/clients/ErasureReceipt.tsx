// What was blanked where, and what the law and the books keep, as every service has answered so far.
import { Alert, Loader, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { components } from '~/api/generated/clients'
import { useTimeZone } from '~/app/account'
import { dayAndTime } from '~/i18n/format'
import { IconCircleCheck } from '~/ui/icons'
import classes from './clients.module.css'

type Receipt = components['schemas']['ErasureOut']

// The services say it in English; these are the lines that they have, by the words of this page.
const KEPT: Record<string, string> = {
  'that there was a client: an id, and when it was made, merged and erased': 'kept_record',
  'when sessions took place and what was paid': 'kept_books',
  sessions: 'kept_sessions',
  "deposits, payments and refunds: amounts, moments and Stripe's ids": 'kept_money',
  'that messages were sent, by kind and time': 'kept_messages',
  'a digest of a number that said STOP': 'kept_stop',
}

export function ErasureReceipt({ receipt, level = 3 }: { receipt: Receipt; level?: 2 | 3 }) {
  const { t } = useTranslation('clients')
  const { t: app } = useTranslation('app')
  const zone = useTimeZone()
  const running = receipt.status === 'running'
  const waiting = receipt.waiting_for.map((service) => app(`service_${service}`)).join(', ')
  return (
    <Stack gap="lg">
      <Alert
        color={running ? 'blue' : 'green'}
        icon={running ? <Loader size={16} aria-hidden /> : <IconCircleCheck aria-hidden />}
        role="status"
      >
        {running
          ? t('erasureRunning', { waiting })
          : t('erasureDone', { at: dayAndTime(receipt.completed_at ?? receipt.requested_at, zone) })}
      </Alert>
      <section>
        <Title order={level} size="h3" mb="sm">
          {t('blanked')}
        </Title>
        <dl className={classes.facts}>
          {Object.entries(receipt.blanked).map(([service, kinds]) => {
            const counted = Object.entries(kinds).filter(([, count]) => count > 0)
            return (
              <div key={service} className={classes.fact}>
                <dt>{app(`service_${service}`)}</dt>
                <dd>
                  {counted.length === 0
                    ? t('nothingThere')
                    : counted
                        .map(([kind, count]) => t(`kind_${kind}`, { count, defaultValue: `${count} × ${kind}` }))
                        .join(', ')}
                </dd>
              </div>
            )
          })}
        </dl>
      </section>
      <section>
        <Title order={level} size="h3" mb="sm">
          {t('kept')}
        </Title>
        <ul className={classes.list}>
          {receipt.kept.map(({ service, what, why }) => (
            <li key={`${service} ${what}`}>
              {t(`${KEPT[what]}`, { defaultValue: what })}
              <Text span inherit c="var(--quiet)">
                {' '}
                ({app(`service_${service}`)}): {t(`${KEPT[what]}_why`, { defaultValue: why })}
              </Text>
            </li>
          ))}
        </ul>
      </section>
    </Stack>
  )
}

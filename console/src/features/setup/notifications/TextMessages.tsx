// The three switches of text messages, of which a lower one counts only where those above are on, and their number.
import { Stack, Switch, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useAccount, useCalendars, useSessionTypes } from '~/app/account'
import { Part } from '../parts/Part'
import { TextLink } from '../parts/TextLink'
import { WholeField } from '../parts/WholeField'
import { PLANS } from '../plan/plans'
import classes from './Notifications.module.css'
import type { Wishes } from './SettingsForm'

type Sms = Wishes['sms']

export function TextMessages({
  sms,
  errors,
  onChange,
}: {
  sms: Sms
  errors: Record<string, ReactNode>
  onChange: (sms: Sms) => void
}) {
  const { t } = useTranslation('setup')
  const plan = PLANS[useAccount().plan]
  const calendars = useCalendars()
  const types = useSessionTypes()
  const below = (field: 'calendars' | 'services', title: string, things: { id: string; name: string }[]) => (
    <fieldset className={classes.switches} disabled={!plan?.sms}>
      <legend>{title}</legend>
      {things.map(({ id, name }) => (
        <Switch
          key={id}
          size="sm"
          label={name}
          checked={sms[field][id] ?? true}
          onChange={(event) => onChange({ ...sms, [field]: { ...sms[field], [id]: event.currentTarget.checked } })}
        />
      ))}
    </fieldset>
  )
  return (
    <Part title={t('textMessages')} hint={t('textMessagesHint')}>
      <Stack gap="md">
        {!plan?.sms && (
          <Text size="sm">
            {t('smsPlan')} <TextLink href="/setup/plan">{t('seePlan')}</TextLink>
          </Text>
        )}
        <Switch
          label={t('smsOn')}
          checked={sms.enabled}
          disabled={!plan?.sms}
          onChange={(event) => onChange({ ...sms, enabled: event.currentTarget.checked })}
        />
        {sms.enabled &&
          (calendars.data?.length ?? 0) > 1 &&
          below('calendars', t('smsCalendars'), calendars.data ?? [])}
        {sms.enabled && (types.data?.length ?? 0) > 0 && below('services', t('smsTypes'), types.data ?? [])}
        {sms.enabled && (
          <WholeField
            label={t('quota')}
            description={t('quotaHint')}
            maw={208}
            min={0}
            value={sms.quota}
            disabled={!plan?.sms}
            onChange={(quota) => onChange({ ...sms, quota })}
            error={errors['sms.quota']}
          />
        )}
      </Stack>
    </Part>
  )
}

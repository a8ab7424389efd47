// The page that clients book on: on or off, where it is, and what it allows.
import { Anchor, Button, CopyButton, Group, Radio, Stack, Switch, Text, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { body, scheduling } from '~/api/client'
import { Problem } from '~/api/problem'
import type { Account } from '~/api/types'
import { accountKey, useAccount, useSessionTypes } from '~/app/account'
import { IconExternalLink } from '~/ui/icons'
import { Part } from '../parts/Part'
import { Preset } from '../parts/Preset'
import { Refusal } from '../parts/Refusal'
import { SaveBar } from '../parts/SaveBar'
import { fieldErrors, seen, useSaving } from '../parts/saving'
import { useSettled } from '../parts/settled'
import { TextLink } from '../parts/TextLink'
import { PLANS } from '../plan/plans'
import { type Confirms, type Rules, rulesBody, rulesOf } from './rules'

const CONFIRMS: Confirms[] = ['manual', 'immediate', 'after_timeout']

export default function OnlineBooking() {
  const { t } = useTranslation('setup')
  const account = useAccount()
  const queries = useQueryClient()
  const { form, settle } = useSettled<Rules>(rulesOf(account))
  const { values } = form
  const saving = useSaving(
    (given: Rules) =>
      body(scheduling.PATCH('/v1/account', { params: { header: seen(account.version) }, body: rulesBody(given) })),
    {
      keys: [accountKey],
      onSaved: (kept) => {
        queries.setQueryData<Account>(accountKey, kept)
        settle(rulesOf(kept))
      },
    },
  )
  const save = () =>
    saving.mutate(values, {
      onError: (error) => {
        const taken = error instanceof Problem && error.code === 'duplicate' ? { username: t('usernameTaken') } : {}
        const told = fieldErrors(error)
        form.setErrors({
          ...Object.fromEntries(Object.entries(told).map(([name, says]) => [name.replace('booking.', ''), says])),
          ...taken,
        })
      },
    })
  const refused = saving.error instanceof Problem && saving.error.code === 'duplicate' ? null : saving.error
  const plan = PLANS[account.plan]
  const field = <Name extends keyof Rules>(name: Name) => ({
    value: values[name],
    error: form.errors[name],
    onChange: (value: Rules[Name]) => form.setValues({ [name]: value } as Partial<Rules>),
  })
  const hours = (...each: number[]) => each.map((value) => ({ value, label: t('hours', { count: value }) }))
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        save()
      }}
    >
      <Part title={t('tab_booking')} hint={t('bookingHint')}>
        <Stack gap="md" maw={560}>
          {!plan?.booking && (
            <Text size="sm">
              {t('bookingPlan')} <TextLink href="/setup/plan">{t('seePlan')}</TextLink>
            </Text>
          )}
          <Switch
            label={t('bookingOn')}
            description={t('bookingOnHint')}
            disabled={!plan?.booking && !values.enabled}
            {...form.getInputProps('enabled', { type: 'checkbox' })}
          />
          <Address account={account} />
          <TextInput
            label={t('username')}
            description={t('usernameHint')}
            autoComplete="off"
            spellCheck={false}
            maw={448}
            {...form.getInputProps('username')}
          />
        </Stack>
      </Part>
      <Part title={t('confirmation')}>
        <Stack gap="md">
          <Radio.Group label={t('confirmationHow')} {...form.getInputProps('auto_confirm')}>
            <Stack gap="sm" mt="sm">
              {CONFIRMS.map((mode) => (
                <Radio
                  key={mode}
                  value={mode}
                  label={t(`confirm_${mode}`)}
                  description={t(`confirm_${mode}_hint`)}
                  disabled={!plan?.booking && mode !== 'manual'}
                />
              ))}
            </Stack>
          </Radio.Group>
          {values.auto_confirm === 'after_timeout' && (
            <Preset
              label={t('confirmTimeout')}
              unit={t('h')}
              usual={hours(24, 48, 72)}
              {...field('confirm_timeout_hours')}
            />
          )}
        </Stack>
      </Part>
      <Part title={t('whenToBook')}>
        <Stack gap="md">
          <Preset
            label={t('notice')}
            description={t('noticeHint')}
            unit={t('h')}
            usual={[{ value: 0, label: t('noNotice') }, ...hours(1, 2, 4, 12, 24, 48)]}
            {...field('min_notice_hours')}
          />
          <Preset
            label={t('ahead')}
            description={t('aheadHint')}
            unit={t('days_unit')}
            usual={[30, 60, 90, 365].map((value) => ({ value, label: t('days', { count: value }) }))}
            {...field('max_advance_days')}
          />
          <Preset
            label={t('interval')}
            description={t('intervalHint')}
            unit={t('min')}
            usual={[5, 10, 15, 20, 30, 60].map((value) => ({ value, label: t('app:minutes', { count: value }) }))}
            {...field('slot_interval_minutes')}
          />
        </Stack>
      </Part>
      <Part title={t('changes')}>
        <Stack gap="md">
          <Switch
            label={t('clientCancels')}
            description={t('clientCancelsHint')}
            {...form.getInputProps('client_cancellation', { type: 'checkbox' })}
          />
          {values.client_cancellation && (
            <Preset
              label={t('cancelCutoff')}
              unit={t('h')}
              usual={[{ value: 0, label: t('untilStart') }, ...hours(2, 12, 24, 48, 72)]}
              {...field('cancel_cutoff_hours')}
            />
          )}
          <Preset
            label={t('rescheduleCutoff')}
            unit={t('h')}
            usual={[{ value: 0, label: t('untilStart') }, ...hours(2, 12, 24, 48, 72)]}
            {...field('reschedule_cutoff_hours')}
          />
        </Stack>
      </Part>
      <Refusal error={refused} told={['/username', '/booking']} />
      <SaveBar dirty={form.isDirty()} saving={saving.isPending} onDiscard={form.reset} />
    </form>
  )
}

/** Where the page is, as it was saved. */
function Address({ account }: { account: Account }) {
  const { t } = useTranslation('setup')
  const types = useSessionTypes()
  const address = `${window.location.origin}/book/${account.username}`
  const nothing = types.data?.every(({ online, active }) => !online || !active)
  return (
    <div>
      <Text size="sm" fw={600} id="booking-address">
        {t('address')}
      </Text>
      <Group gap="sm" mt={4}>
        {account.booking.enabled ? (
          <Anchor href={address} target="_blank" rel="noreferrer" aria-describedby="booking-address">
            {address.replace(/^https?:\/\//, '')} <IconExternalLink size={14} aria-hidden />
          </Anchor>
        ) : (
          <Text c="var(--quiet)">{address.replace(/^https?:\/\//, '')}</Text>
        )}
        <CopyButton value={address}>
          {({ copied, copy }) => (
            <Button size="xs" variant="default" onClick={copy}>
              {copied ? t('copied') : t('copy')}
            </Button>
          )}
        </CopyButton>
      </Group>
      <Text size="sm" c="var(--quiet)" mt={4}>
        {account.booking.enabled ? t('addressOn') : t('addressOff')}
      </Text>
      {nothing && (
        <Text size="sm" mt={4}>
          {t('nothingOnline')} <TextLink href="/setup/session-types">{t('tab_session-types')}</TextLink>
        </Text>
      )}
    </div>
  )
}

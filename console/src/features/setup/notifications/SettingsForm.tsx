// The settings of notifications in one form, as the service takes them: all at once.
import { Stack, Switch, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { body, notifications } from '~/api/client'
import type { components } from '~/api/generated/notifications'
import { ClockField, clock } from '../parts/ClockField'
import { Part } from '../parts/Part'
import { Refusal } from '../parts/Refusal'
import { SaveBar } from '../parts/SaveBar'
import { fieldErrors, seen, useSaving } from '../parts/saving'
import { useSettled } from '../parts/settled'
import { KindMatrix } from './KindMatrix'
import classes from './Notifications.module.css'
import { TextMessages } from './TextMessages'

type Settings = components['schemas']['SettingsOut']

export type Wishes = {
  kinds: Settings['kinds']
  sms: { enabled: boolean; quota: number | ''; calendars: Record<string, boolean>; services: Record<string, boolean> }
  quiet: boolean
  start: string
  end: string
  sender_name: string
  reply_to: string
}

export function SettingsForm({ settings }: { settings: Settings }) {
  const { t } = useTranslation('setup')
  const queries = useQueryClient()
  const { form, settle } = useSettled<Wishes>(wishesOf(settings))
  const { values } = form
  const saving = useSaving(
    (given: Wishes) =>
      body(notifications.PUT('/v1/settings', { params: { header: seen(settings.version) }, body: bodyOf(given) })),
    {
      keys: [['notification-settings']],
      onSaved: (kept) => {
        queries.setQueryData(['notification-settings'], kept)
        settle(wishesOf(kept))
      },
    },
  )
  const save = () =>
    saving.mutate(values, {
      onError: (error) =>
        form.setErrors(
          Object.fromEntries(
            Object.entries(fieldErrors(error)).map(([name, says]) => [name.replace('quiet_hours.', ''), says]),
          ),
        ),
    })
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        save()
      }}
    >
      <Part title={t('tab_notifications')} hint={t('notificationsHint')}>
        <KindMatrix kinds={values.kinds} onChange={(kinds) => form.setFieldValue('kinds', kinds)} />
      </Part>
      <TextMessages sms={values.sms} errors={form.errors} onChange={(sms) => form.setFieldValue('sms', sms)} />
      <Part title={t('quietHours')} hint={t('quietHint')}>
        <Switch label={t('quietOn')} {...form.getInputProps('quiet', { type: 'checkbox' })} />
        {values.quiet && (
          <div className={classes.quiet}>
            <ClockField label={t('from')} {...form.getInputProps('start')} />
            <ClockField label={t('to')} {...form.getInputProps('end')} />
          </div>
        )}
      </Part>
      <Part title={t('sender')} hint={t('senderHint')}>
        <Stack gap="md" maw={448}>
          <TextInput label={t('senderName')} {...form.getInputProps('sender_name')} />
          <TextInput
            label={t('replyTo')}
            description={t('replyToHint')}
            type="email"
            {...form.getInputProps('reply_to')}
          />
        </Stack>
      </Part>
      <Refusal error={saving.error} told={['/sms', '/quiet_hours', '/sender_name', '/reply_to']} />
      <SaveBar dirty={form.isDirty()} saving={saving.isPending} onDiscard={form.reset} />
    </form>
  )
}

function wishesOf({ kinds, sms, quiet_hours, sender_name, reply_to }: Settings): Wishes {
  return {
    kinds,
    sms,
    quiet: quiet_hours !== null,
    start: quiet_hours?.start ?? '21:00',
    end: quiet_hours?.end ?? '08:00',
    sender_name: sender_name ?? '',
    reply_to: reply_to ?? '',
  }
}

function bodyOf({ kinds, sms, quiet, start, end, sender_name, reply_to }: Wishes) {
  return {
    kinds,
    sms: { ...sms, quota: Number(sms.quota || 0) },
    quiet_hours: quiet ? { start: clock(start), end: clock(end) } : null,
    sender_name: sender_name.trim() || null,
    reply_to: reply_to.trim() || null,
  }
}

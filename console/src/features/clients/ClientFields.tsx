// What is known of a person, as a form: only the name is needed.
import { Group, Select, Stack, TagsInput, Textarea, TextInput } from '@mantine/core'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Problem } from '~/api/problem'
import { useTimeZone } from '~/app/account'
import { LANGUAGES } from '~/i18n'
import classes from './clients.module.css'
import type { ClientForm } from './form'
import { PrivateLabel } from './PrivateLabel'

export function ClientFields({
  form,
  onChange,
  problem,
  notes,
}: {
  form: ClientForm
  onChange: (change: Partial<ClientForm>) => void
  problem: Problem | null
  notes: boolean
}) {
  const { t } = useTranslation('clients')
  const zone = useTimeZone()
  const zones = useMemo(() => Intl.supportedValuesOf('timeZone'), [])
  const languages: { value: string; label: string }[] = Object.entries(LANGUAGES).map(([value, label]) => ({
    value,
    label,
  }))
  if (form.locale && !(form.locale in LANGUAGES)) languages.push({ value: form.locale, label: form.locale })
  return (
    <Stack gap="md">
      <TextInput
        label={t('name')}
        required
        data-autofocus
        value={form.name}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
        error={problem?.field('/name')}
        autoComplete="off"
      />
      <TextInput
        label={t('email')}
        description={t('emailHint')}
        type="email"
        value={form.email}
        onChange={(event) => onChange({ email: event.currentTarget.value })}
        error={problem?.field('/email')}
        autoComplete="off"
      />
      <TextInput
        label={t('phone')}
        type="tel"
        value={form.phone}
        onChange={(event) => onChange({ phone: event.currentTarget.value })}
        error={problem?.field('/phone')}
        autoComplete="off"
      />
      <TagsInput
        label={t('tags')}
        description={t('tagsHint')}
        value={form.tags}
        onChange={(tags) => onChange({ tags })}
        error={problem?.field('/tags')}
        acceptValueOnBlur
        clearable={false}
      />
      <TextInput
        label={t('birthDate')}
        type="date"
        value={form.birth_date}
        onChange={(event) => onChange({ birth_date: event.currentTarget.value })}
        error={problem?.field('/birth_date')}
      />
      <Textarea
        label={t('address')}
        autosize
        minRows={2}
        maxRows={6}
        value={form.address}
        onChange={(event) => onChange({ address: event.currentTarget.value })}
        error={problem?.field('/address')}
      />
      <Group grow align="flex-start">
        <Select
          label={t('language')}
          placeholder={t('asPractice')}
          data={languages}
          value={form.locale}
          onChange={(locale) => onChange({ locale })}
          error={problem?.field('/locale')}
          clearable
          clearButtonProps={{ 'aria-label': t('asPractice') }}
        />
        <Select
          label={t('timezone')}
          placeholder={zone}
          data={zones}
          value={form.timezone}
          onChange={(timezone) => onChange({ timezone })}
          error={problem?.field('/timezone')}
          searchable
          limit={100}
          withScrollArea={false}
          classNames={{ dropdown: classes.zones }}
          clearable
          clearButtonProps={{ 'aria-label': t('asPractice') }}
        />
      </Group>
      {notes && (
        <Textarea
          label={<PrivateLabel>{t('privateNotes')}</PrivateLabel>}
          description={t('privateHint')}
          autosize
          minRows={3}
          maxRows={12}
          value={form.notes}
          onChange={(event) => onChange({ notes: event.currentTarget.value })}
          error={problem?.field('/notes')}
        />
      )}
    </Stack>
  )
}

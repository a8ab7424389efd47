// What the practice is called, and the time, money and language that it goes by.
import { NativeSelect, Select, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { body, scheduling } from '~/api/client'
import type { Account } from '~/api/types'
import { accountKey, useAccount } from '~/app/account'
import { LANGUAGES } from '~/i18n'
import { Part } from '../parts/Part'
import { Refusal } from '../parts/Refusal'
import { SaveBar } from '../parts/SaveBar'
import { fieldErrors, seen, useSaving } from '../parts/saving'
import { useSettled } from '../parts/settled'
import classes from './Plan.module.css'

const FIELDS = ['name', 'email', 'timezone', 'currency', 'locale'] as const
type Values = Pick<Account, (typeof FIELDS)[number]>

export function AccountForm() {
  const { t } = useTranslation('setup')
  const account = useAccount()
  const queries = useQueryClient()
  const { form, settle } = useSettled<Values>(valuesOf(account))
  const saving = useSaving(
    (given: Values) =>
      body(scheduling.PATCH('/v1/account', { params: { header: seen(account.version) }, body: given })),
    {
      keys: [accountKey],
      onSaved: (kept) => {
        queries.setQueryData<Account>(accountKey, kept)
        settle(valuesOf(kept))
        // Days and hours are another zone's now.
        void queries.invalidateQueries({ queryKey: ['sessions'] })
      },
    },
  )
  const save = () => saving.mutate(form.values, { onError: (error) => form.setErrors(fieldErrors(error)) })
  const languages: Record<string, string> = { ...LANGUAGES }
  const locales = [...new Set([...Object.keys(languages), account.locale])]
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        save()
      }}
    >
      <Part title={t('practice')} hint={t('practiceHint')}>
        <div className={classes.pair}>
          <TextInput label={t('practiceName')} autoComplete="organization" {...form.getInputProps('name')} />
          <TextInput label={t('practiceEmail')} type="email" autoComplete="email" {...form.getInputProps('email')} />
          <Select
            label={t('timezone')}
            searchable
            allowDeselect={false}
            limit={50}
            data={[...new Set([account.timezone, ...Intl.supportedValuesOf('timeZone')])]}
            {...form.getInputProps('timezone')}
          />
          <Select
            label={t('currency')}
            searchable
            allowDeselect={false}
            limit={50}
            data={[...new Set([account.currency, ...Intl.supportedValuesOf('currency')])]}
            {...form.getInputProps('currency')}
          />
          <NativeSelect
            label={t('clientLanguage')}
            description={t('clientLanguageHint')}
            data={locales.map((tag) => ({ value: tag, label: languages[tag] ?? tag }))}
            {...form.getInputProps('locale')}
          />
        </div>
        <Refusal error={saving.error} told={FIELDS.map((name) => `/${name}`)} />
      </Part>
      <SaveBar dirty={form.isDirty()} saving={saving.isPending} onDiscard={form.reset} />
    </form>
  )
}

function valuesOf({ name, email, timezone, currency, locale }: Account): Values {
  return { name, email, timezone, currency, locale }
}

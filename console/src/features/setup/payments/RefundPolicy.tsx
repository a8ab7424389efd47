// What comes back of a deposit when a session is cancelled: one share, or less the later it is.
import { ActionIcon, Button, NumberInput, Radio, Stack, Switch, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, payments } from '~/api/client'
import { IconPlus, IconX } from '~/ui/icons'
import { Part } from '../parts/Part'
import { Refusal } from '../parts/Refusal'
import { SaveBar } from '../parts/SaveBar'
import { fieldErrors, seen, useSaving } from '../parts/saving'
import { useSettled } from '../parts/settled'
import { WholeField } from '../parts/WholeField'
import classes from './Payments.module.css'
import { type Policy, policyBody, policyOf, type Settings, tier } from './policy'
import { Simulation } from './Simulation'

export function RefundPolicy({ settings }: { settings: Settings }) {
  const { t } = useTranslation('setup')
  const queries = useQueryClient()
  const { form, settle } = useSettled<Policy>(policyOf(settings))
  const { values } = form
  const [simulated, setSimulated] = useState<Record<string, string>>({})
  const saving = useSaving(
    (given: Policy) =>
      body(payments.PUT('/v1/settings', { params: { header: seen(settings.version) }, body: policyBody(given) })),
    {
      keys: [['payment-settings']],
      onSaved: (kept) => {
        queries.setQueryData(['payment-settings'], kept)
        settle(policyOf(kept))
      },
    },
  )
  const errors: Record<string, string> = { ...simulated, ...fieldErrors(saving.error) }
  const put = (change: Partial<Policy>) => {
    saving.reset()
    form.setValues(change)
  }
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        saving.mutate(values)
      }}
    >
      <Part title={t('refunds')} hint={t('refundsHint')}>
        <div className={classes.policy}>
          <Stack gap="lg">
            <Radio.Group
              label={t('refundHow')}
              value={values.by}
              onChange={(by) => put({ by: by === 'tiers' ? 'tiers' : 'one' })}
            >
              <Stack gap="sm" mt="sm">
                <Radio value="one" label={t('refundOne')} />
                <Radio value="tiers" label={t('refundTiers')} />
              </Stack>
            </Radio.Group>
            {values.by === 'one' ? (
              <Percent
                label={t('refundPercentage')}
                value={values.percentage}
                onChange={(percentage) => put({ percentage })}
                error={errors.refund_percentage}
              />
            ) : (
              <Tiers tiers={values.tiers} errors={errors} onChange={(tiers) => put({ tiers })} />
            )}
            <div>
              <Switch
                label={t('providerOwn')}
                description={t('providerOwnHint')}
                checked={values.provider}
                onChange={(event) => put({ provider: event.currentTarget.checked })}
              />
              {values.provider && (
                <Percent
                  mt="sm"
                  label={t('providerPercentage')}
                  value={values.providerPercentage}
                  onChange={(providerPercentage) => put({ providerPercentage })}
                  error={errors.provider_cancellation_percentage}
                />
              )}
            </div>
            <WholeField
              label={t('dueHours')}
              description={t('dueHoursHint')}
              unit={t('h')}
              w={208}
              min={1}
              value={values.dueHours}
              onChange={(dueHours) => put({ dueHours })}
              error={errors.deposit_due_hours}
            />
          </Stack>
          <Simulation policy={values} onRefused={setSimulated} />
        </div>
        <Refusal error={saving.error} told={['/refund', '/provider_cancellation_percentage', '/deposit_due_hours']} />
      </Part>
      <SaveBar dirty={form.isDirty()} saving={saving.isPending} onDiscard={form.reset} />
    </form>
  )
}

function Tiers({
  tiers,
  errors,
  onChange,
}: {
  tiers: Policy['tiers']
  errors: Record<string, string>
  onChange: (tiers: Policy['tiers']) => void
}) {
  const { t } = useTranslation('setup')
  const put = (id: string, change: Partial<Policy['tiers'][number]>) =>
    onChange(tiers.map((each) => (each.id === id ? { ...each, ...change } : each)))
  const add = () => {
    const nearest = tiers.at(-1)
    const hours = nearest ? Math.floor(Number(nearest.hours || 0) / 2) : 48
    onChange([...tiers, tier(hours, nearest ? Math.floor(Number(nearest.percentage || 0) / 2) : 100)])
  }
  return (
    <fieldset className={classes.tiers}>
      <legend>{t('tiers')}</legend>
      {tiers.map((each, index) => (
        <div key={each.id} className={classes.tier}>
          <WholeField
            aria-label={t('tierHours', { number: index + 1 })}
            unit={t('h')}
            min={0}
            value={each.hours}
            onChange={(hours) => put(each.id, { hours })}
            error={errors[`refund_tiers.${index}.hours_before`]}
          />
          <Text size="sm" c="var(--quiet)" aria-hidden>
            {t('tierBefore')}
          </Text>
          <Percent
            aria-label={t('tierPercentage', { number: index + 1 })}
            value={each.percentage}
            onChange={(percentage) => put(each.id, { percentage })}
            error={errors[`refund_tiers.${index}.percentage`]}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t('tierRemove', { number: index + 1 })}
            onClick={() => onChange(tiers.filter(({ id }) => id !== each.id))}
          >
            <IconX size={16} aria-hidden />
          </ActionIcon>
        </div>
      ))}
      <Text size="sm" c="var(--quiet)">
        {t('tiersRest')}
      </Text>
      {errors.refund_tiers && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {errors.refund_tiers}
        </Text>
      )}
      <div>
        <Button variant="default" size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={add}>
          {t('tierAdd')}
        </Button>
      </div>
    </fieldset>
  )
}

function Percent({
  value,
  onChange,
  ...props
}: {
  label?: string
  'aria-label'?: string
  mt?: string
  value: number | ''
  onChange: (value: number | '') => void
  error?: ReactNode
}) {
  return (
    <NumberInput
      {...props}
      w={props.label ? 208 : undefined}
      suffix=" %"
      min={0}
      max={100}
      clampBehavior="none"
      allowDecimal={false}
      allowNegative={false}
      hideControls
      value={value}
      onChange={(typed) => onChange(typed === '' ? '' : Number(typed))}
    />
  )
}

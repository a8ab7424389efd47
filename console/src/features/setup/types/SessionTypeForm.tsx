// One session type: made, changed, paused or retired.
import { MultiSelect, NumberInput, SegmentedControl, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { body, payments, scheduling } from '~/api/client'
import type { SessionType } from '~/api/types'
import { useAccount, useCalendars } from '~/app/account'
import { money } from '~/i18n/format'
import { ColorField, FIRST_COLOR } from '../parts/ColorField'
import { EditDrawer } from '../parts/EditDrawer'
import { MoneyField } from '../parts/MoneyField'
import { Refusal } from '../parts/Refusal'
import { fieldErrors, seen, useFormKey, useSaving } from '../parts/saving'
import { TextLink } from '../parts/TextLink'
import { WholeField } from '../parts/WholeField'
import { depositOf } from './deposit'
import classes from './SessionTypeForm.module.css'

type Asks = 'none' | 'fixed' | 'percent'

type Values = {
  name: string
  description: string
  duration: number | ''
  before: number | ''
  after: number | ''
  price: number | null
  asks: Asks
  amount: number | null
  percent: number | ''
  color: string
  online: boolean
  active: boolean
  auto_assign: boolean
  calendar_ids: string[]
}

// Where what the service calls its fields stands in the form.
const PLACES: Record<string, keyof Values> = {
  duration_minutes: 'duration',
  buffer_before_minutes: 'before',
  buffer_after_minutes: 'after',
  'price.amount': 'price',
  'price.currency': 'price',
  'deposit.amount': 'amount',
  'deposit.percent': 'percent',
}

export default function SessionTypeForm({ type, onClose }: { type?: SessionType; onClose: () => void }) {
  const { t } = useTranslation('setup')
  const account = useAccount()
  const calendars = useCalendars()
  const key = useFormKey()
  const form = useForm<Values>({ initialValues: valuesOf(type) })
  const { values } = form
  const saving = useSaving(
    (given: Values) => {
      const kept = bodyOf(given, account.currency)
      return type
        ? body(
            scheduling.PATCH('/v1/services/{service_id}', {
              params: { path: { service_id: type.id }, header: seen(type.version) },
              body: kept,
            }),
          )
        : body(scheduling.POST('/v1/services', { params: { header: key.header() }, body: kept }))
    },
    { keys: [['session-types']], onSaved: onClose },
  )
  const submit = () =>
    saving.mutate(values, {
      onError: (error) =>
        form.setErrors(
          Object.fromEntries(Object.entries(fieldErrors(error)).map(([name, says]) => [PLACES[name] ?? name, says])),
        ),
    })
  const retiring = useSaving(
    (one: SessionType) =>
      body(
        scheduling.DELETE('/v1/services/{service_id}', {
          params: { path: { service_id: one.id }, header: seen(one.version) },
        }),
      ),
    { keys: [['session-types']], words: t('retired', { name: type?.name }), onSaved: onClose },
  )
  const retire = type && {
    label: t('retire'),
    warning: t('retireTypeHint'),
    pending: retiring.isPending,
    error: retiring.error,
    onEnd: () => retiring.mutate(type),
  }
  const amount = depositOf(shown(values, account.currency))
  const several = (calendars.data?.length ?? 0) > 1
  return (
    <EditDrawer
      title={type ? type.name : t('newType')}
      dirty={form.isDirty()}
      saving={saving.isPending}
      onSubmit={submit}
      onClose={onClose}
      submit={type ? undefined : t('createType')}
      ending={retire}
    >
      <Refusal error={saving.error} told={['/']} />
      <TextInput label={t('name')} required data-autofocus {...form.getInputProps('name')} />
      <Textarea
        label={t('description')}
        description={t('descriptionHint')}
        autosize
        minRows={2}
        {...form.getInputProps('description')}
      />
      <div className={classes.three}>
        <WholeField
          label={t('duration')}
          required
          unit={t('min')}
          min={1}
          max={1440}
          {...form.getInputProps('duration')}
        />
        <WholeField label={t('bufferBefore')} unit={t('min')} min={0} max={720} {...form.getInputProps('before')} />
        <WholeField label={t('bufferAfter')} unit={t('min')} min={0} max={720} {...form.getInputProps('after')} />
      </div>
      <MoneyField
        label={t('price')}
        description={t('priceHint')}
        currency={account.currency}
        amount={values.price}
        onAmount={(price) => form.setFieldValue('price', price)}
        error={form.errors.price}
      />
      <fieldset className={classes.part}>
        <legend className={classes.legend}>{t('deposit')}</legend>
        <SegmentedControl
          fullWidth
          aria-label={t('deposit')}
          value={values.asks}
          onChange={(asks) => form.setFieldValue('asks', asks as Asks)}
          data={(['none', 'fixed', 'percent'] as const).map((asks) => ({ value: asks, label: t(`asks_${asks}`) }))}
        />
        {values.asks === 'fixed' && (
          <MoneyField
            mt="sm"
            label={t('depositAmount')}
            required
            currency={account.currency}
            amount={values.amount}
            onAmount={(typed) => form.setFieldValue('amount', typed)}
            error={form.errors.amount}
          />
        )}
        {values.asks === 'percent' && (
          <NumberInput
            mt="sm"
            label={t('depositPercent')}
            required
            min={1}
            max={100}
            allowDecimal={false}
            suffix=" %"
            {...form.getInputProps('percent')}
            onChange={(typed) => form.setFieldValue('percent', typed === '' ? '' : Number(typed))}
          />
        )}
        {values.asks !== 'none' && (
          <Text size="sm" c="var(--quiet)" mt="sm" role="status">
            {amount ? t('depositComes', { amount: money({ amount, currency: account.currency }) }) : null}
          </Text>
        )}
        {values.asks !== 'none' && <DepositHint plan={account.plan} />}
      </fieldset>
      <ColorField value={values.color} onChange={(color) => form.setFieldValue('color', color)} />
      {several && (
        <MultiSelect
          label={t('typeCalendars')}
          placeholder={values.calendar_ids.length === 0 ? t('allCalendars') : undefined}
          data={calendars.data?.map(({ id, name }) => ({ value: id, label: name }))}
          clearable
          clearButtonProps={{ 'aria-label': t('allCalendars') }}
          {...form.getInputProps('calendar_ids')}
        />
      )}
      <Stack gap="md">
        <Switch
          label={t('onlineSwitch')}
          description={t('onlineHint')}
          {...form.getInputProps('online', { type: 'checkbox' })}
        />
        {several && values.online && (
          <Switch
            label={t('autoAssign')}
            description={t('autoAssignHint')}
            {...form.getInputProps('auto_assign', { type: 'checkbox' })}
          />
        )}
        <Switch
          label={t('active')}
          description={t('activeHint')}
          {...form.getInputProps('active', { type: 'checkbox' })}
        />
      </Stack>
    </EditDrawer>
  )
}

/** Why a deposit is not asked although it is set, and where that can be changed. */
function DepositHint({ plan }: { plan: string }) {
  const { t } = useTranslation('setup')
  const connection = useQuery({
    queryKey: ['connect'],
    queryFn: () => body(payments.GET('/v1/connect')),
    enabled: plan === 'max',
  })
  if (plan !== 'max')
    return (
      <Text size="sm" mt="sm">
        {t('depositPlan')} <TextLink href="/setup/plan">{t('seePlan')}</TextLink>
      </Text>
    )
  if (connection.data?.charges_enabled !== false) return null
  return (
    <Text size="sm" mt="sm">
      {t('depositStripe')} <TextLink href="/setup/payments">{t('toPayments')}</TextLink>
    </Text>
  )
}

function valuesOf(type?: SessionType): Values {
  const deposit = type?.deposit ?? null
  return {
    name: type?.name ?? '',
    description: type?.description ?? '',
    duration: type?.duration_minutes ?? 60,
    before: type?.buffer_before_minutes ?? 0,
    after: type?.buffer_after_minutes ?? 0,
    price: type?.price?.amount ?? null,
    asks: deposit === null ? 'none' : deposit.type === 'fixed' ? 'fixed' : 'percent',
    amount: deposit?.amount ?? null,
    percent: deposit?.percent ?? 25,
    color: type?.color ?? FIRST_COLOR,
    online: type?.online ?? false,
    active: type?.active ?? true,
    auto_assign: type?.auto_assign ?? false,
    calendar_ids: type?.calendar_ids ?? [],
  }
}

function shown(values: Values, currency: string): Pick<SessionType, 'deposit' | 'price'> {
  return {
    price: values.price === null ? null : { amount: values.price, currency },
    deposit:
      values.asks === 'none'
        ? null
        : { type: values.asks, amount: values.amount ?? 0, percent: Number(values.percent || 0) },
  }
}

function bodyOf(values: Values, currency: string) {
  return {
    name: values.name,
    description: values.description,
    duration_minutes: Number(values.duration),
    buffer_before_minutes: Number(values.before || 0),
    buffer_after_minutes: Number(values.after || 0),
    // No price is free, and so is one of nothing.
    price: values.price ? { amount: values.price, currency } : null,
    deposit:
      values.asks === 'none'
        ? null
        : values.asks === 'fixed'
          ? { type: 'fixed' as const, amount: values.amount }
          : { type: 'percent' as const, percent: Number(values.percent) },
    color: values.color,
    online: values.online,
    active: values.active,
    auto_assign: values.auto_assign,
    calendar_ids: values.calendar_ids,
  }
}

// One stretch of blocked time, or the first of many: made, moved, ended.
import {
  Alert,
  Checkbox,
  Group,
  List,
  NativeSelect,
  SegmentedControl,
  Select,
  Switch,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, idempotencyKey, scheduling } from '~/api/client'
import { Problem } from '~/api/problem'
import type { BlockedTime } from '~/api/types'
import { useCalendars, useTimeZone } from '~/app/account'
import { dayAndTime, time } from '~/i18n/format'
import { done } from '~/ui/toast'
import { ClockField, clock } from '../parts/ClockField'
import { EditDrawer } from '../parts/EditDrawer'
import { Refusal } from '../parts/Refusal'
import { fieldErrors, seen, useFormKey, useSaving } from '../parts/saving'
import { WholeField } from '../parts/WholeField'
import classes from './Blocked.module.css'
import { type Block, blockBody, blockOf, freshBlock } from './block'
import { REPEATS, ruleOf } from './recurrence'

const SCOPES = ['this', 'following', 'all'] as const
type Scope = (typeof SCOPES)[number]

const KEYS = [['blocked-times'], ['series']]

export default function BlockedTimeForm({ event, onClose }: { event?: BlockedTime; onClose: () => void }) {
  const { t } = useTranslation('setup')
  const queries = useQueryClient()
  const timeZone = useTimeZone()
  const calendars = useCalendars().data ?? []
  const key = useFormKey()
  const isTime = (value: string, { allDay }: Block) =>
    allDay || /^([01]\d|2[0-3]):[0-5]\d$/.test(clock(value)) ? null : t('errClock')
  const isDate = (value: string) => (value ? null : t('errMissing'))
  const form = useForm<Block>({
    initialValues: event ? blockOf(event, timeZone) : freshBlock(timeZone),
    validate: { start: isTime, end: isTime, from: isDate, to: isDate },
  })
  const { values } = form
  const [scope, setScope] = useState<Scope>('this')
  const [over, setOver] = useState({ anyway: false, reason: '' })
  const saving = useSaving(
    async (given: Block) => {
      const flags = over.anyway ? { allow_overlap: true, override_reason: over.reason } : {}
      const kept = { ...blockBody(given, timeZone), ...flags }
      const rrule = ruleOf(given, timeZone)
      if (event) {
        const reach = event.series_id ? { scope } : {}
        const params = { path: { event_id: event.id }, header: seen(event.version) }
        await body(scheduling.PATCH('/v1/events/{event_id}', { params, body: { ...kept, ...reach } }))
      } else {
        const made = rrule ? { ...kept, rrule } : kept
        await body(scheduling.POST('/v1/events', { params: { header: key.header() }, body: made }))
      }
    },
    { keys: KEYS, onSaved: onClose },
  )
  const ending = useSaving(
    ({ id, version }: BlockedTime) =>
      body(
        scheduling.DELETE('/v1/events/{event_id}', {
          params: { path: { event_id: id }, query: event?.series_id ? { scope } : {}, header: seen(version) },
        }),
      ),
    {
      keys: KEYS,
      words: null,
      onSaved: (_, gone) => {
        onClose()
        const alone = gone.series_id === null || scope === 'this'
        done(t('blockedEnded'), alone ? () => bringBack(gone) : undefined)
      },
    },
  )
  const bringBack = async ({ title, starts_at, ends_at, all_day, calendar_id, notes }: BlockedTime) => {
    const again = { title, starts_at, ends_at, all_day, calendar_id, notes }
    await body(
      scheduling.POST('/v1/events', {
        params: { header: idempotencyKey() },
        body: { ...again, allow_overlap: true, override_reason: t('app:undo') },
      }),
    )
    await queries.invalidateQueries({ queryKey: ['blocked-times'] })
  }
  const submit = () => {
    if (form.validate().hasErrors) return
    saving.mutate(values, {
      onError: (error) => {
        const { starts_at, ends_at, ...rest } = fieldErrors(error)
        form.setErrors({ ...rest, ...(starts_at && { from: starts_at }), ...(ends_at && { to: ends_at }) })
      },
    })
  }
  const taken = saving.error instanceof Problem && saving.error.code === 'slot_taken' ? saving.error : null
  const date = (name: 'from' | 'to', label: string) => (
    <TextInput type="date" label={label} className={classes.date} {...form.getInputProps(name)} />
  )
  return (
    <EditDrawer
      title={event ? event.title : t('blockTime')}
      dirty={form.isDirty()}
      saving={saving.isPending}
      submit={event ? undefined : t('blockTime')}
      onSubmit={submit}
      onClose={onClose}
      ending={
        event && {
          label: t('remove'),
          warning: t(event.series_id ? `removeBlocked_${scope}` : 'removeBlocked_this'),
          pending: ending.isPending,
          error: ending.error,
          onEnd: () => ending.mutate(event),
        }
      }
    >
      {!taken && (
        <Refusal
          error={saving.error}
          told={['/title', '/starts_at', '/ends_at', '/override_reason', '/calendar_id', '/notes']}
        />
      )}
      {event?.series_id && (
        <div>
          <Text size="sm" fw={600} mb={4}>
            {t('scope')}
          </Text>
          <SegmentedControl
            fullWidth
            aria-label={t('scope')}
            value={scope}
            onChange={(chosen) => setScope(SCOPES.find((each) => each === chosen) ?? 'this')}
            data={SCOPES.map((value) => ({ value, label: t(`scope_${value}`) }))}
          />
        </div>
      )}
      <TextInput label={t('blockTitle')} required data-autofocus {...form.getInputProps('title')} />
      <Switch label={t('allDay')} {...form.getInputProps('allDay', { type: 'checkbox' })} />
      <div className={classes.when}>
        {date('from', t('from'))}
        {!values.allDay && <ClockField aria-label={t('startTime')} {...form.getInputProps('start')} />}
        {date('to', t('to'))}
        {!values.allDay && <ClockField aria-label={t('endTime')} {...form.getInputProps('end')} />}
      </div>
      {calendars.length > 1 && (
        <Select
          label={t('calendar')}
          allowDeselect={false}
          data={calendars.map(({ id, name }) => ({ value: id, label: name }))}
          placeholder={calendars.find((each) => each.is_default)?.name}
          {...form.getInputProps('calendar')}
          value={values.calendar || null}
          onChange={(chosen) => form.setFieldValue('calendar', chosen ?? '')}
        />
      )}
      {!event && (
        <Group grow align="flex-end">
          <NativeSelect
            label={t('repeat')}
            data={REPEATS.map((value) => ({ value, label: t(`repeat_${value}`) }))}
            {...form.getInputProps('repeat')}
          />
          {values.repeat !== 'none' && (
            <NativeSelect
              label={t('repeatEnds')}
              data={(['never', 'count', 'until'] as const).map((value) => ({ value, label: t(`ends_${value}`) }))}
              {...form.getInputProps('ends')}
            />
          )}
        </Group>
      )}
      {!event && values.repeat !== 'none' && values.ends === 'count' && (
        <WholeField label={t('repeatCount')} min={1} {...form.getInputProps('count')} />
      )}
      {!event && values.repeat !== 'none' && values.ends === 'until' && (
        <TextInput type="date" label={t('repeatUntil')} {...form.getInputProps('until')} />
      )}
      <Textarea label={t('notes')} autosize minRows={2} {...form.getInputProps('notes')} />
      {taken && (
        <Alert color="yellow" title={t('blockTaken')} role="alert">
          <List size="sm">
            {taken.details.conflicts?.slice(0, 5).map(({ starts_at, ends_at }) => (
              <List.Item key={starts_at}>
                {dayAndTime(starts_at, timeZone)} – {time(ends_at, timeZone)}
              </List.Item>
            ))}
          </List>
          <Checkbox
            mt="sm"
            label={t('blockAnyway')}
            checked={over.anyway}
            onChange={({ currentTarget: { checked } }) => setOver({ ...over, anyway: checked })}
          />
          {over.anyway && (
            <TextInput
              mt="sm"
              label={t('reason')}
              required
              value={over.reason}
              onChange={({ currentTarget: { value } }) => setOver({ ...over, reason: value })}
              error={form.errors.override_reason}
            />
          )}
        </Alert>
      )}
    </EditDrawer>
  )
}

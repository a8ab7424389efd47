// Moving an appointment by the client's link: by the booking page's free times where there are any, else by a proposal.
import { Alert, Button, Group, Skeleton, Title } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, scheduling } from '~/api/client'
import { useKeyFor } from '~/api/keyFor'
import { type Alternative, Problem } from '~/api/problem'
import { IconInfoCircle } from '~/ui/icons'
import type { Appointment } from './appointment'
import classes from './booking.module.css'
import { pageOf } from './offers'
import { ProposeTime } from './ProposeTime'
import { SlotPicker } from './SlotPicker'
import { slotsKey } from './slots'
import { useRefusal } from './Trouble'
import { dayAtTime } from './when'

const WORDS: Record<string, string> = {
  slot_taken: 'takenBrief',
  slot_unavailable: 'moveUnavailable',
  outside_working_hours: 'moveUnavailable',
}

export function MoveForm({
  token,
  appointment,
  zone,
  onKeep,
  onDone,
  onPassed,
}: {
  token: string
  appointment: Appointment
  zone: string
  onKeep: () => void
  onDone: (after: Appointment) => void
  onPassed: (error: unknown) => boolean
}) {
  const { t } = useTranslation('booking')
  const queries = useQueryClient()
  const refusal = useRefusal()
  const { provider, service_id, calendar_id } = appointment
  const page = useQuery({ ...pageOf(provider.username), enabled: provider.online })
  const [date, setDate] = useState<string>()
  const [start, setStart] = useState<string>()
  const [failure, setFailure] = useState<Error>()
  const keyFor = useKeyFor()
  const title = useRef<HTMLHeadingElement>(null)
  useEffect(() => title.current?.focus(), [])
  const offer = useMemo(
    () => ({ username: provider.username, serviceId: service_id, calendarId: calendar_id, zone }),
    [provider.username, service_id, calendar_id, zone],
  )

  const move = useMutation({
    mutationFn: (to: string) => {
      const asked = { starts_at: to }
      return body(
        scheduling.POST('/v1/manage/{token}/reschedule', {
          params: { path: { token }, header: keyFor(asked) },
          body: asked,
        }),
      )
    },
    onMutate: () => setFailure(undefined),
    onSuccess: onDone,
    onError: (error) => {
      if (onPassed(error)) return
      setFailure(error)
      setStart(undefined)
      void queries.invalidateQueries({ queryKey: slotsKey(provider.username) })
    },
  })

  const offered =
    page.data?.services.some(
      ({ id, calendars }) => id === service_id && calendars.some((each) => each.id === calendar_id),
    ) ?? false
  const words = failure instanceof Problem ? WORDS[failure.code] : undefined
  const alternatives = failure instanceof Problem ? (failure.details.alternatives ?? []) : []
  return (
    <section className={classes.part} aria-labelledby="move">
      <Title order={2} id="move" ref={title} tabIndex={-1} mb="md" className={classes.stepTitle}>
        {t('moveTitle')}
      </Title>
      {failure && (
        <Alert color="yellow" icon={<IconInfoCircle aria-hidden />} role="alert" mb="md">
          {words ? t(words) : refusal(failure)}
          <Alternatives found={alternatives} zone={zone} onChoose={setStart} />
        </Alert>
      )}
      {page.isLoading && <Skeleton height={320} role="status" aria-label={t('timesLoading')} />}
      {!page.isLoading && offered && page.data && (
        <div className={classes.picker}>
          <SlotPicker
            offer={offer}
            advanceDays={page.data.booking.max_advance_days}
            date={date}
            onDate={setDate}
            onTime={setStart}
            chosen={start ?? ''}
          />
        </div>
      )}
      {!page.isLoading && !offered && (
        <ProposeTime practice={provider.name} zone={zone} from={appointment.starts_at} onTime={setStart} />
      )}
      <Group gap="sm" mt="lg">
        {start && (
          <Button loading={move.isPending} onClick={() => move.mutate(start)}>
            {t('moveTo', { moment: dayAtTime(start, zone) })}
          </Button>
        )}
        <Button variant="default" onClick={onKeep}>
          {t('keepIt')}
        </Button>
      </Group>
    </section>
  )
}

function Alternatives({
  found,
  zone,
  onChoose,
}: {
  found: Alternative[]
  zone: string
  onChoose: (start: string) => void
}) {
  const { t } = useTranslation('booking')
  const starts = [...new Set(found.map(({ starts_at }) => starts_at))]
  if (starts.length === 0) return null
  return (
    <>
      <p>{t('alternatives')}</p>
      <Group gap="sm">
        {starts.map((start) => (
          <Button key={start} size="xs" variant="default" onClick={() => onChoose(start)}>
            {dayAtTime(start, zone)}
          </Button>
        ))}
      </Group>
    </>
  )
}

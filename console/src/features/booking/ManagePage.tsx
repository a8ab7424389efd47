// The client's own page for one appointment, opened by their link: how it stands, and what they may do about it.
import { Alert, Button, Group, Skeleton, Text, Title } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useLocation, useSearch } from 'wouter'
import { body, idempotencyKey, scheduling } from '~/api/client'
import { Problem } from '~/api/problem'
import { money } from '~/i18n/format'
import { ownZone } from '~/i18n/zone'
import { ButtonLink } from '~/ui/ButtonLink'
import { EmptyState } from '~/ui/EmptyState'
import { IconCheck, IconInfoCircle } from '~/ui/icons'
import { type Appointment, appointmentKey, due, payBy, useAppointment, waits } from './appointment'
import classes from './booking.module.css'
import { CancelForm } from './CancelForm'
import { Facts } from './Facts'
import { Frame } from './Frame'
import { MoveForm } from './MoveForm'
import { PayDeposit } from './PayDeposit'
import { slotsKey } from './slots'
import { Trouble, useRefusal } from './Trouble'
import { dayAtTime, soon } from './when'
import './words'

export default function ManagePage({ token }: { token: string }) {
  const { t } = useTranslation('booking')
  const found = useAppointment(token)
  if (found.data) return <Found token={token} appointment={found.data} />
  if (found.isPending)
    return (
      <Frame narrow>
        <Skeleton height={416} radius="lg" role="status" aria-label={t('booking')} />
      </Frame>
    )
  const unknown = found.error instanceof Problem && found.error.status === 404
  return (
    <Frame title={unknown ? t('linkNotFound') : undefined} narrow>
      {unknown ? (
        <EmptyState title={t('linkNotFound')} hint={t('linkNotFoundHint')} level={1} />
      ) : (
        <Trouble error={found.error} onRetry={() => void found.refetch()} />
      )}
    </Frame>
  )
}

type Step = 'move' | 'cancel' | undefined

function Found({ token, appointment }: { token: string; appointment: Appointment }) {
  const { t } = useTranslation('booking')
  const queries = useQueryClient()
  const refusal = useRefusal()
  const [path, navigate] = useLocation()
  const search = useSearch()
  const [said, setSaid] = useState<{ words: string; good: boolean }>()
  const title = useRef<HTMLHeadingElement>(null)
  const zone = ownZone()
  const { provider, may } = appointment
  const step = allowed(new URLSearchParams(search).get('step'), appointment)

  const show = (after: Appointment, words: string) => {
    queries.setQueryData(appointmentKey(token), after)
    void queries.invalidateQueries({ queryKey: slotsKey(provider.username) })
    setSaid({ words, good: true })
    navigate(path, { replace: true })
    title.current?.focus()
  }
  /** What is not possible any more is told, and the page shows how it stands instead. True: there is nothing more to say. */
  const passed = (error: unknown): boolean => {
    if (!(error instanceof Problem) || !(error.code in PASSED)) return false
    setSaid({ words: t(PASSED[error.code] ?? 'notPossible', { name: provider.name }), good: false })
    void queries.invalidateQueries({ queryKey: appointmentKey(token) })
    navigate(path, { replace: true })
    title.current?.focus()
    return true
  }
  const key = useRef(idempotencyKey())
  const confirm = useMutation({
    mutationFn: () =>
      body(
        scheduling.POST('/v1/manage/{token}/confirm', {
          params: { path: { token }, header: key.current },
          body: {},
        }),
      ),
    onSuccess: (after) => show(after, t('confirmed')),
    onError: passed,
  })
  const refused = confirm.isError && !(confirm.error instanceof Problem && confirm.error.code in PASSED)

  return (
    <Frame title={t('yourBooking', { name: provider.name })} narrow={step !== 'move'}>
      <div className={classes.card}>
        <Title order={1} ref={title} tabIndex={-1} className={classes.stepTitle}>
          {t('yourBooking', { name: provider.name })}
        </Title>
        <div role="status">
          {said && (
            <Alert
              mt="md"
              color={said.good ? 'green' : 'yellow'}
              icon={said.good ? <IconCheck aria-hidden /> : <IconInfoCircle aria-hidden />}
            >
              {said.words}
            </Alert>
          )}
        </div>
        <Text my="md">
          <Stands appointment={appointment} zone={zone} />
        </Text>
        <Facts appointment={appointment} zone={zone} />
        {refused && (
          <Alert color="red" role="alert" mb="md">
            {refusal(confirm.error)}
          </Alert>
        )}
        {step === undefined && (
          <>
            <Group gap="sm">
              {may.confirm && (
                <Button onClick={() => confirm.mutate()} loading={confirm.isPending}>
                  {t('confirm')}
                </Button>
              )}
              <PayDeposit appointment={appointment} />
              {may.reschedule && (
                <ButtonLink href={`${path}?step=move`} variant="default">
                  {t('moveIt')}
                </ButtonLink>
              )}
              {may.cancel && (
                <ButtonLink href={`${path}?step=cancel`} variant="default">
                  {t('cancelIt')}
                </ButtonLink>
              )}
              {provider.online && (appointment.status === 'cancelled' || appointment.status === 'completed') && (
                <ButtonLink href={`/book/${provider.username}`} variant="default">
                  {t('bookAnother')}
                </ButtonLink>
              )}
            </Group>
            <Deadlines appointment={appointment} zone={zone} />
          </>
        )}
        {step === 'cancel' && (
          <CancelForm
            token={token}
            appointment={appointment}
            zone={zone}
            onKeep={() => navigate(path)}
            onDone={(after) => show(after, t('cancelled'))}
            onPassed={passed}
          />
        )}
        {step === 'move' && (
          <MoveForm
            token={token}
            appointment={appointment}
            zone={zone}
            onKeep={() => navigate(path)}
            onDone={(after) => show(after, t('moved'))}
            onPassed={passed}
          />
        )}
      </div>
    </Frame>
  )
}

const PASSED: Record<string, string> = {
  cutoff_passed: 'tooLate',
  cancellation_disabled: 'tooLate',
  invalid_transition: 'notPossible',
}

function allowed(step: string | null, { may }: Appointment): Step {
  if (step === 'move' && may.reschedule) return 'move'
  if (step === 'cancel' && may.cancel) return 'cancel'
  return undefined
}

/** How it stands, in a sentence. */
function Stands({ appointment, zone }: { appointment: Appointment; zone: string }) {
  const { t } = useTranslation('booking')
  const { status, cancellation, provider } = appointment
  const name = provider.name
  if (status === 'cancelled') {
    const moment = dayAtTime(cancellation?.at ?? appointment.updated_at, zone)
    const by = cancellation?.by ?? 'provider'
    return t(BY[by] ?? 'saidCancelledByProvider', { name, moment })
  }
  if (status === 'completed') return t('saidCompleted')
  if (status === 'no_show') return t('saidNoShow')
  const open = due(appointment)
  const waiting = waits(appointment)
  if (waiting === 'client') return t('saidToConfirm', { name })
  if (open) {
    const until = payBy(appointment)
    return `${t('saidPayOwn', { amount: money(open) })} ${until ? t('payBy', { time: soon(until, zone) }) : ''}`
  }
  if (waiting)
    return appointment.auto_confirm_at
      ? t('saidPendingUntil', { name, moment: dayAtTime(appointment.auto_confirm_at, zone) })
      : t('saidPending', { name })
  return t('saidStands')
}

const BY: Record<string, string> = {
  client: 'saidCancelledByYou',
  provider: 'saidCancelledByProvider',
  system: 'saidReleased',
}

/** Until when the client may change it, or that this has passed. */
function Deadlines({ appointment, zone }: { appointment: Appointment; zone: string }) {
  const { t } = useTranslation('booking')
  const { status, may, provider, cancel_until, reschedule_until } = appointment
  if (status !== 'pending' && status !== 'confirmed') return null
  const cancel = cancel_until && dayAtTime(cancel_until, zone)
  const move = dayAtTime(reschedule_until, zone)
  const name = provider.name
  const words = [
    may.cancel && may.reschedule && t('until', { cancel, move }),
    may.cancel && !may.reschedule && `${t('untilCancelOnly', { cancel })} ${t('pastMove', { move, name })}`,
    !may.cancel &&
      may.reschedule &&
      (cancel
        ? `${t('untilMove', { move })} ${t('pastCancel', { cancel, name })}`
        : t('untilMoveOnly', { move, name })),
    !may.cancel && !may.reschedule && t('pastBoth', { name }),
  ]
  return (
    <Text size="sm" c="var(--quiet)" mt="md">
      {words.find(Boolean)}
    </Text>
  )
}

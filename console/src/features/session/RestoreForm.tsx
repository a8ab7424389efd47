// Brings a cancelled session back, at its own time or, where that has gone, at another.
import { Button, Group, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, idempotencyKey, scheduling } from '~/api/client'
import type { Session } from '~/api/types'
import { useTimeZone } from '~/app/account'
import { dayAndTime } from '~/i18n/format'
import { done } from '~/ui/toast'
import type { Override } from '../newsession/override'
import { ConflictShown, isConflict } from './ConflictShown'
import { Form } from './Form'
import { useOvertaken } from './overtaken'
import { follow, take } from './queries'
import { Refusal } from './Refusal'

export function restore(id: string, override: Override = {}): Promise<Session> {
  return body(
    scheduling.POST('/v1/sessions/{session_id}/restore', {
      params: { path: { session_id: id }, header: idempotencyKey() },
      body: override,
    }),
  )
}

/** There is no restoring to another time: it comes back over the conflict and moves on at once. */
async function restoreAt(id: string, startsAt: string, reason: string): Promise<Session> {
  await restore(id, { allow_overlap: true, allow_outside_hours: true, override_reason: reason })
  return body(
    scheduling.POST('/v1/sessions/{session_id}/reschedule', {
      params: { path: { session_id: id }, header: idempotencyKey() },
      body: { starts_at: startsAt },
    }),
  )
}

type Way = { override: Override; startsAt?: string }

export function RestoreForm({ session, onDone }: { session: Session; onDone: () => void }) {
  const { t } = useTranslation('session')
  const zone = useTimeZone()
  const queries = useQueryClient()
  const overtaken = useOvertaken(session, onDone)
  const [allowed, setAllowed] = useState<Override>({})
  const back = useMutation({
    mutationFn: ({ override, startsAt }: Way) =>
      startsAt
        ? restoreAt(session.id, startsAt, t('restoredAtReason', { when: dayAndTime(startsAt, zone) }))
        : restore(session.id, override),
    onSuccess: (answer) => {
      take(queries, answer)
      done(t('restored'))
      onDone()
    },
    onError: (error, { startsAt }) => {
      overtaken(error)
      // It may stand again by now, though not where it was meant to.
      if (startsAt) follow(queries, session)
    },
  })
  const send = (override: Override) => {
    setAllowed(override)
    back.mutate({ override })
  }
  return (
    <Form title={t('restoreTitle')} onBack={onDone} onSubmit={() => send({})}>
      <Text size="sm">{t('restoreHint', { when: dayAndTime(session.starts_at, zone) })}</Text>
      {session.deposit && <Text size="sm">{t('restoreDeposit')}</Text>}
      {isConflict(back.error) ? (
        <ConflictShown
          problem={back.error}
          already={allowed}
          anyway={t('restoreAnyway')}
          chosen={t('restoreInstead')}
          pending={back.isPending}
          onAlternative={({ starts_at }) => back.mutate({ override: {}, startsAt: starts_at })}
          onAnyway={send}
        />
      ) : (
        <>
          {back.error && <Refusal error={back.error} />}
          <Group gap="sm">
            <Button type="submit" loading={back.isPending}>
              {t('form_restore')}
            </Button>
          </Group>
        </>
      )}
    </Form>
  )
}

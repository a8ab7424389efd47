// Another time for the session, or for more of its series.
import { Alert, Button, Group } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, idempotencyKey, scheduling } from '~/api/client'
import { useKeyFor } from '~/api/keyFor'
import { Problem } from '~/api/problem'
import type { Session } from '~/api/types'
import { useTimeZone } from '~/app/account'
import { dayAndTime } from '~/i18n/format'
import { IconAlertTriangle } from '~/ui/icons'
import { done } from '~/ui/toast'
import type { Override } from '../newsession/override'
import { ConflictShown, isConflict } from './ConflictShown'
import { Form } from './Form'
import { useOvertaken } from './overtaken'
import { take } from './queries'
import { Refusal } from './Refusal'
import { type Scope, ScopeField } from './ScopeField'
import { startOf, type When, WhenFields, whenOf } from './WhenFields'

type Key = ReturnType<typeof idempotencyKey>
type Move = { starts_at: string; duration_minutes: number; scope?: Scope } & Override

function move(id: string, sent: Move, header: Key | (Key & { 'If-Match': string })): Promise<Session> {
  return body(
    scheduling.POST('/v1/sessions/{session_id}/reschedule', {
      params: { path: { session_id: id }, header },
      body: sent,
    }),
  )
}

export function RescheduleForm({ session, onDone }: { session: Session; onDone: () => void }) {
  const { t } = useTranslation('session')
  const zone = useTimeZone()
  const queries = useQueryClient()
  const keyFor = useKeyFor()
  const overtaken = useOvertaken(session, onDone)
  const [opened] = useState(session.starts_at)
  const [when, setWhen] = useState<When>(() => whenOf(session.starts_at, session.duration_minutes, zone))
  const [scope, setScope] = useState<Scope>('this')
  const [allowed, setAllowed] = useState<Override>({})
  const moved = useMutation({
    mutationFn: (sent: Move) => move(session.id, sent, { ...keyFor(sent), 'If-Match': `"${session.version}"` }),
    onSuccess: (answer, sent) => {
      const before = { starts_at: session.starts_at, duration_minutes: session.duration_minutes, scope: sent.scope }
      take(queries, answer)
      done(t(several(sent.scope) ? 'movedSeveral' : 'moved', { when: dayAndTime(answer.starts_at, zone) }), () =>
        move(session.id, before, idempotencyKey()).then((undone) => take(queries, undone)),
      )
      onDone()
    },
    onError: overtaken,
  })
  const startsAt = startOf(when, zone)
  const minutes = Number(when.minutes)
  const same = startsAt !== undefined && sameMoment(startsAt, session.starts_at) && minutes === session.duration_minutes
  const ready = startsAt !== undefined && minutes > 0 && !same
  const send = (override: Override, at = startsAt) => {
    if (at === undefined) return
    setAllowed(override)
    moved.mutate({
      starts_at: at,
      duration_minutes: minutes,
      ...(session.series_id && { scope }),
      ...override,
    })
  }
  const problem = moved.error instanceof Problem ? moved.error : undefined
  const change = (to: When) => {
    moved.reset()
    setAllowed({})
    setWhen(to)
  }
  return (
    <Form title={t('form_reschedule')} onBack={onDone} onSubmit={() => ready && send({})}>
      {!sameMoment(session.starts_at, opened) && (
        <Alert role="alert" color="yellow" icon={<IconAlertTriangle aria-hidden />}>
          {t('movedMeanwhile', { when: dayAndTime(session.starts_at, zone) })}
        </Alert>
      )}
      <WhenFields
        value={when}
        onChange={change}
        errors={{ start: problem?.field('/starts_at'), minutes: problem?.field('/duration_minutes') }}
      />
      {session.series_id && (
        <ScopeField
          value={scope}
          onChange={(chosen) => {
            moved.reset()
            setScope(chosen)
          }}
        />
      )}
      {isConflict(moved.error) && (
        <ConflictShown
          problem={moved.error}
          already={allowed}
          anyway={t('moveAnyway')}
          chosen={t('freeInstead')}
          // What is free is free beside one of them, whichever was in the way first: no time for the others.
          offered={!several(scope)}
          pending={moved.isPending}
          onAlternative={({ starts_at }) => {
            setWhen(whenOf(starts_at, minutes, zone))
            send({}, starts_at)
          }}
          onAnyway={send}
        />
      )}
      {moved.error && !isConflict(moved.error) && problem?.status !== 422 && <Refusal error={moved.error} />}
      <Group gap="sm">
        <Button type="submit" loading={moved.isPending} disabled={!ready}>
          {t('move')}
        </Button>
      </Group>
    </Form>
  )
}

function several(scope: Scope | undefined): boolean {
  return scope === 'following' || scope === 'all'
}

function sameMoment(one: string, other: string): boolean {
  return new Date(one).getTime() === new Date(other).getTime()
}

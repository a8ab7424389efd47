// The same session once more, at another time.
import { Button, Group, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, idempotencyKey, scheduling } from '~/api/client'
import { useKeyFor } from '~/api/keyFor'
import { Problem } from '~/api/problem'
import type { Session } from '~/api/types'
import { useTimeZone } from '~/app/account'
import { dayAndTime } from '~/i18n/format'
import { addDays } from '~/i18n/zone'
import { done } from '~/ui/toast'
import type { Override } from '../newsession/override'
import { ConflictShown, isConflict } from './ConflictShown'
import { Form } from './Form'
import { follow, take } from './queries'
import { Refusal } from './Refusal'
import { startOf, type When, WhenFields, whenOf } from './WhenFields'

type Copy = { starts_at: string; duration_minutes: number } & Override

const WEEKS = [1, 2, 4]

export function DuplicateForm({ session, onDone }: { session: Session; onDone: () => void }) {
  const { t } = useTranslation('session')
  const zone = useTimeZone()
  const queries = useQueryClient()
  const keyFor = useKeyFor()
  const here = whenOf(session.starts_at, session.duration_minutes, zone)
  const inWeeks = (weeks: number) => addDays(here.date, 7 * weeks)
  const [when, setWhen] = useState<When>({ ...here, date: inWeeks(1) })
  const [allowed, setAllowed] = useState<Override>({})
  const copied = useMutation({
    mutationFn: (sent: Copy) =>
      body(
        scheduling.POST('/v1/sessions/{session_id}/duplicate', {
          params: { path: { session_id: session.id }, header: keyFor(sent) },
          body: sent,
        }),
      ),
    onSuccess: (answer) => {
      take(queries, answer)
      follow(queries, session)
      done(t('duplicated', { when: dayAndTime(answer.starts_at, zone) }), () =>
        body(
          scheduling.POST('/v1/sessions/{session_id}/cancel', {
            params: { path: { session_id: answer.id }, header: idempotencyKey() },
            body: { reason: t('duplicateUndone'), refund: 'skip' },
          }),
        ).then((undone) => take(queries, undone)),
      )
      onDone()
    },
  })
  const startsAt = startOf(when, zone)
  const minutes = Number(when.minutes)
  const ready = startsAt !== undefined && minutes > 0
  const send = (override: Override, at = startsAt) => {
    if (at === undefined) return
    setAllowed(override)
    copied.mutate({ starts_at: at, duration_minutes: minutes, ...override })
  }
  const problem = copied.error instanceof Problem ? copied.error : undefined
  const change = (to: When) => {
    copied.reset()
    setAllowed({})
    setWhen(to)
  }
  return (
    <Form title={t('form_duplicate')} onBack={onDone} onSubmit={() => ready && send({})}>
      <Text size="sm" c="var(--quiet)">
        {t('duplicateHint')}
      </Text>
      <Group gap="sm" role="group" aria-label={t('presets')}>
        {WEEKS.map((weeks) => (
          <Button
            key={weeks}
            size="xs"
            variant="default"
            aria-pressed={when.date === inWeeks(weeks) && when.time === here.time}
            onClick={() => change({ ...when, date: inWeeks(weeks), time: here.time })}
          >
            {t('plusWeeks', { count: weeks })}
          </Button>
        ))}
      </Group>
      <WhenFields
        value={when}
        onChange={change}
        errors={{ start: problem?.field('/starts_at'), minutes: problem?.field('/duration_minutes') }}
      />
      {isConflict(copied.error) && (
        <ConflictShown
          problem={copied.error}
          already={allowed}
          anyway={t('bookAnyway')}
          chosen={t('freeInstead')}
          pending={copied.isPending}
          onAlternative={({ starts_at }) => {
            setWhen(whenOf(starts_at, minutes, zone))
            send({}, starts_at)
          }}
          onAnyway={send}
        />
      )}
      {copied.error && !isConflict(copied.error) && problem?.status !== 422 && <Refusal error={copied.error} />}
      <Group gap="sm">
        <Button type="submit" loading={copied.isPending} disabled={!ready}>
          {t('duplicateNow')}
        </Button>
      </Group>
    </Form>
  )
}

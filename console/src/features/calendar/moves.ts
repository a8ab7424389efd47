// Sends what was dragged or pulled, and says what became of it.
import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, scheduling } from '~/api/client'
import { Problem } from '~/api/problem'
import type { BlockedTime, Session } from '~/api/types'
import { dayAndTime } from '~/i18n/format'
import { plusMinutes } from '~/i18n/zone'
import { done, failed } from '~/ui/toast'
import type { Override } from '../newsession/override'
import type { Move } from './Grid'
import { change, changeBlocked } from './range'

/** A move that was refused: what is in its way, and how to ask again. */
export type Refused = {
  problem: Problem
  name: string
  /** Where it is now. */
  stands: Stretch
  /** Whether it was to last longer, rather than to be elsewhere. */
  pulled: boolean
  /** What was allowed before, of an earlier refusal. */
  allowed: Override
  retry: (starts_at: string | null, override: Override) => Promise<void>
}

type Stretch = { starts_at: string; ends_at: string }

export function useMoves(timeZone: string) {
  const { t } = useTranslation('calendar')
  const { t: app } = useTranslation('app')
  const queries = useQueryClient()
  const [refused, setRefused] = useState<Refused | null>(null)

  const stale = (name: string) => {
    failed(new Error(t('stale', { name })))
    void queries.invalidateQueries({ queryKey: ['sessions'] })
    void queries.invalidateQueries({ queryKey: ['blocked-times'] })
  }
  const refuse = (error: unknown, move: Omit<Refused, 'problem'>) => {
    if (!(error instanceof Problem)) return failed(error)
    if (error.status === 412) return stale(move.name)
    if (error.code === 'slot_taken' || error.code === 'outside_working_hours')
      return setRefused({ problem: error, ...move })
    failed(error)
  }

  const moveSession = async (session: Session, starts_at: string, minutes: number, override: Override = {}) => {
    const name = session.client.name || app('deletedClient')
    const pulled = sameMoment(starts_at, session.starts_at)
    try {
      const moved = await change(queries, session, placed(session, starts_at, minutes), () =>
        sendSession(session, starts_at, minutes, override),
      )
      setRefused(null)
      done(pulled ? t('resized', { name, minutes }) : t('moved', { name, when: dayAndTime(starts_at, timeZone) }), () =>
        moveBack(queries, moved, session),
      )
    } catch (error) {
      refuse(error, {
        name,
        stands: session,
        pulled,
        allowed: override,
        retry: (at, allowed) => moveSession(session, at ?? starts_at, minutes, allowed),
      })
    }
  }

  const moveBlocked = async (
    event: BlockedTime,
    to: Pick<Move, 'starts_at' | 'ends_at' | 'allDay'>,
    override: Override = {},
  ) => {
    const span = { starts_at: to.starts_at, ends_at: to.ends_at, all_day: to.allDay }
    const pulled = sameMoment(to.starts_at, event.starts_at)
    const before = { starts_at: event.starts_at, ends_at: event.ends_at, all_day: event.all_day }
    try {
      const moved = await changeBlocked(queries, event, span, () =>
        sendBlocked(event, { ...span, ...overlap(override) }),
      )
      setRefused(null)
      const when = dayAndTime(pulled ? to.ends_at : to.starts_at, timeZone)
      done(t(pulled ? 'blockResized' : 'blockMoved', { name: event.title, when }), () =>
        changeBlocked(queries, moved, before, () => sendBlocked(moved, before)),
      )
    } catch (error) {
      refuse(error, {
        name: event.title,
        stands: event,
        pulled,
        allowed: override,
        retry: (at, allowed) => moveBlocked(event, at ? shifted(to, at) : to, allowed),
      })
    }
  }

  const move = ({ entry, starts_at, ends_at, allDay, revert }: Move) => {
    if (entry.kind === 'blocked') return void moveBlocked(entry.event, { starts_at, ends_at, allDay })
    // The row of whole days is no place for a session.
    if (allDay) return revert()
    void moveSession(entry.session, starts_at, minutesBetween(starts_at, ends_at))
  }
  return { move, refused, forget: () => setRefused(null) }
}

function placed(session: Session, starts_at: string, minutes: number): Partial<Session> {
  return { starts_at, duration_minutes: minutes, ends_at: plusMinutes(starts_at, minutes), version: session.version }
}

function sendSession(session: Session, starts_at: string, minutes: number, override: Override): Promise<Session> {
  return body(
    scheduling.PATCH('/v1/sessions/{session_id}', {
      params: { path: { session_id: session.id }, header: { 'If-Match': `"${session.version}"` } },
      body: {
        starts_at,
        duration_minutes: minutes,
        ...(session.series_id ? { scope: 'this' as const } : {}),
        ...override,
      },
    }),
  )
}

/** A session that was let in over a conflict goes back there all the same. */
async function moveBack(queries: QueryClient, moved: Session, before: Session): Promise<Session> {
  const { starts_at, duration_minutes: minutes } = before
  return change(queries, moved, placed(moved, starts_at, minutes), async () => {
    // Its version may have grown meanwhile: by its deposit's state, for one.
    const { version } = await body(
      scheduling.GET('/v1/sessions/{session_id}', { params: { path: { session_id: moved.id } } }),
    )
    return sendSession({ ...moved, version }, starts_at, minutes, {})
  })
}

function sendBlocked(
  event: BlockedTime,
  fields: { starts_at: string; ends_at: string; all_day: boolean } & Override,
): Promise<BlockedTime> {
  return body(
    scheduling.PATCH('/v1/events/{event_id}', {
      params: { path: { event_id: event.id }, header: { 'If-Match': `"${event.version}"` } },
      body: { ...fields, ...(event.series_id ? { scope: 'this' as const } : {}) },
    }),
  )
}

/** Blocked time keeps no working hours, so there is no such thing to allow. */
function overlap({ allow_overlap, override_reason }: Override): Override {
  return allow_overlap ? { allow_overlap, override_reason } : {}
}

function shifted(to: Pick<Move, 'starts_at' | 'ends_at' | 'allDay'>, starts_at: string) {
  return { ...to, starts_at, ends_at: plusMinutes(starts_at, minutesBetween(to.starts_at, to.ends_at)) }
}

function sameMoment(one: string, other: string): boolean {
  return Date.parse(one) === Date.parse(other)
}

function minutesBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / 60_000)
}

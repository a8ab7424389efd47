// Times that are kept for this visitor while they fill in the rest.
import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import { body, idempotencyKey, scheduling } from '~/api/client'
import { Problem } from '~/api/problem'
import { slotsKey } from './slots'

export type Hold = { id: string; expires_at: string; starts_at: string; service_id: string }

type Wanted = { serviceId: string; calendarId?: string; startsAt: string }

/** Holds that outlive a reload, in this tab alone: without them a visitor would be kept out by their own. */
const REMEMBERED = 'timeblu.holds'

/** The holds of this visitor that have not ended, and how to get one. What is kept but for the time `wanted` now is given back. */
export function useHolds(username: string, wanted?: Wanted) {
  const queries = useQueryClient()
  const [holds, setHolds] = useState<Record<string, Hold>>(() => remembered(username))
  // What is rendered may be older: somebody who types on before the next drawing must not ask for their own time again.
  const latest = useRef(holds)
  const asked = useRef(new Map<string, Promise<Hold>>())
  /** What is being given back, by the hold's id. */
  const leaving = useRef(new Map<string, Promise<unknown>>())

  const change = useCallback(
    (next: (holds: Record<string, Hold>) => Record<string, Hold>) => {
      latest.current = next(latest.current)
      sessionStorage.setItem(`${REMEMBERED}.${username}`, JSON.stringify(latest.current))
      setHolds(latest.current)
    },
    [username],
  )

  const only = wanted && keyOf(wanted)
  useEffect(() => {
    for (const [key, held] of Object.entries(holds)) {
      if (key === only || ends(held) <= Date.now() || leaving.current.has(held.id)) continue
      const given = giveBack(username, held)
      leaving.current.set(
        held.id,
        given.catch(() => undefined),
      )
      given
        // Until it is seen to be free for everybody it is shown as free for this visitor.
        .then(() => queries.invalidateQueries({ queryKey: slotsKey(username) }))
        .then(() =>
          change((before) => Object.fromEntries(Object.entries(before).filter(([, { id }]) => id !== held.id))),
        )
        // What could not be given back stays theirs until it ends.
        .catch(() => undefined)
        .finally(() => leaving.current.delete(held.id))
    }
  }, [holds, only, username, queries, change])

  /** Keep a time, or find that it is kept already; rejects as the service refuses. */
  const keep = (wanted: Wanted): Promise<Hold> => {
    const key = keyOf(wanted)
    const held = latest.current[key]
    const left = held && leaving.current.get(held.id)
    if (held && !left && ends(held) > Date.now()) return Promise.resolve(held)
    const under = asked.current.get(key)
    if (under) return under
    const asking = Promise.resolve(left)
      .then(() =>
        body(
          scheduling.POST('/v1/booking/{username}/holds', {
            params: { path: { username }, header: idempotencyKey() },
            body: { service_id: wanted.serviceId, calendar_id: wanted.calendarId ?? null, starts_at: wanted.startsAt },
          }),
        ),
      )
      .then((made) => {
        change((before) => ({ ...before, [key]: made }))
        return made
      })
    asked.current.set(key, asking)
    asking.catch(() => undefined).finally(() => asked.current.delete(key))
    return asking
  }

  const forget = (wanted: Wanted) => change(({ [keyOf(wanted)]: _, ...others }) => others)

  const find = (wanted: Wanted): Hold | undefined => {
    const held = holds[keyOf(wanted)]
    return held && !leaving.current.has(held.id) ? held : undefined
  }

  /** The starts that are kept for this visitor, of one session type with one specialist. */
  const starts = (serviceId: string, calendarId?: string): string[] =>
    Object.entries(holds)
      .filter(([key, held]) => key === keyOf({ serviceId, calendarId, startsAt: held.starts_at }))
      .filter(([, held]) => ends(held) > Date.now())
      .map(([, held]) => held.starts_at)

  return { keep, forget, find, starts }
}

export type Holds = ReturnType<typeof useHolds>

/** One that has ended, or was given back before, is given back. */
async function giveBack(username: string, held: Hold): Promise<void> {
  try {
    await body(
      scheduling.DELETE('/v1/booking/{username}/holds/{hold_id}', {
        params: { path: { username, hold_id: held.id } },
      }),
    )
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 404) throw error
  }
}

function keyOf({ serviceId, calendarId, startsAt }: Wanted): string {
  return `${serviceId} ${calendarId ?? 'any'} ${Date.parse(startsAt)}`
}

function ends(hold: Hold): number {
  return Date.parse(hold.expires_at)
}

function remembered(username: string): Record<string, Hold> {
  try {
    const kept = JSON.parse(sessionStorage.getItem(`${REMEMBERED}.${username}`) ?? '{}') as Record<string, Hold>
    return Object.fromEntries(Object.entries(kept).filter(([, hold]) => ends(hold) > Date.now()))
  } catch {
    return {}
  }
}

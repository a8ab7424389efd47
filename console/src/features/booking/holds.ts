// Times that are kept for this visitor while they fill in the rest.
import { useRef, useState } from 'react'
import { body, idempotencyKey, scheduling } from '~/api/client'

export type Hold = { id: string; expires_at: string; starts_at: string; service_id: string }

type Wanted = { serviceId: string; calendarId?: string; startsAt: string }

/** Holds that outlive a reload, in this tab alone: without them a visitor would be kept out by their own. */
const REMEMBERED = 'timeblu.holds'

/** The holds of this visitor that have not ended, and how to get and to give up one. */
export function useHolds(username: string) {
  const [holds, setHolds] = useState<Record<string, Hold>>(() => remembered(username))
  // What is rendered may be older: somebody who types on before the next drawing must not ask for their own time again.
  const latest = useRef(holds)
  const asked = useRef(new Map<string, Promise<Hold>>())

  const change = (next: (holds: Record<string, Hold>) => Record<string, Hold>) => {
    latest.current = next(latest.current)
    sessionStorage.setItem(`${REMEMBERED}.${username}`, JSON.stringify(latest.current))
    setHolds(latest.current)
  }

  /** Keep a time, or find that it is kept already; rejects as the service refuses. */
  const keep = (wanted: Wanted): Promise<Hold> => {
    const key = keyOf(wanted)
    const held = latest.current[key]
    if (held && ends(held) > Date.now()) return Promise.resolve(held)
    const under = asked.current.get(key)
    if (under) return under
    const asking = body(
      scheduling.POST('/v1/booking/{username}/holds', {
        params: { path: { username }, header: idempotencyKey() },
        body: { service_id: wanted.serviceId, calendar_id: wanted.calendarId ?? null, starts_at: wanted.startsAt },
      }),
    ).then((made) => {
      change((before) => ({ ...before, [key]: made }))
      return made
    })
    asked.current.set(key, asking)
    asking.catch(() => undefined).finally(() => asked.current.delete(key))
    return asking
  }

  const forget = (wanted: Wanted) => change(({ [keyOf(wanted)]: _, ...others }) => others)

  const find = (wanted: Wanted): Hold | undefined => holds[keyOf(wanted)]

  /** The starts that are kept for this visitor, of one session type with one specialist. */
  const starts = (serviceId: string, calendarId?: string): string[] =>
    Object.entries(holds)
      .filter(([key, held]) => key === keyOf({ serviceId, calendarId, startsAt: held.starts_at }))
      .filter(([, held]) => ends(held) > Date.now())
      .map(([, held]) => held.starts_at)

  return { keep, forget, find, starts }
}

export type Holds = ReturnType<typeof useHolds>

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

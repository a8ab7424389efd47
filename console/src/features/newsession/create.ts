// Makes a session, or a series of them, and takes them back.
import type { QueryClient } from '@tanstack/react-query'
import { body, scheduling } from '~/api/client'
import type { components } from '~/api/generated/scheduling'
import type { NewSession, Session } from '~/api/types'

export type Series = components['schemas']['SeriesOut']

type Key = { 'Idempotency-Key': string }

export function createSession(wanted: NewSession, header: Key): Promise<Session> {
  return body(scheduling.POST('/v1/sessions', { params: { header }, body: wanted }))
}

export function createSeries(
  template: NewSession,
  rrule: string,
  on_conflict: 'fail' | 'skip',
  header: Key,
): Promise<Series> {
  return body(
    scheduling.POST('/v1/series', {
      params: { header },
      body: { kind: 'session', template: { ...template }, rrule, on_conflict },
    }),
  )
}

export function sessionOf(id: string): Promise<Session> {
  return body(scheduling.GET('/v1/sessions/{session_id}', { params: { path: { session_id: id } } }))
}

/** Take a creation back: nobody has paid for it yet, so there is nothing to give back. */
export function takeBack(id: string, reason: string, scope: 'this' | 'all', header: Key): Promise<Session> {
  return body(
    scheduling.POST('/v1/sessions/{session_id}/cancel', {
      params: { path: { session_id: id }, header },
      body: { refund: 'skip', reason, scope },
    }),
  )
}

/** Sessions that a change of this page touched are asked again, wherever they are shown. */
export function refresh(queries: QueryClient): void {
  for (const queryKey of [['sessions'], ['stats'], ['clients']]) void queries.invalidateQueries({ queryKey })
}

// What the calendar shows of some days, kept fresh while somebody looks at it.
import { keepPreviousData, type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query'
import { body, everything, scheduling } from '~/api/client'
import type { BlockedTime, Session } from '~/api/types'
import { startOf } from '~/i18n/zone'
import type { Days } from './views'

const POLL_MS = 3000
const PAGE = 200
const PAGES_A_POLL = 5
// A change may become visible a little after the moment that it carries.
const OVERLAP_MS = 5000
const DAY_MS = 86_400_000

type Span = { from: string; to: string }
type RangeKey = readonly ['sessions', 'range', string, string]

/** Sessions by the hand of this page that are on their way: what is heard of them meanwhile is older. */
const underWay = new Set<string>()

/** The newest change that was seen, by which the next look asks for what came after. */
let newest = 0

export function spanOf(days: Days, timeZone: string): Span {
  return { from: startOf(days.from, timeZone), to: startOf(days.to, timeZone) }
}

/** The sessions that start within some days. */
export function useSessionsOf({ from, to }: Span) {
  return useQuery({
    queryKey: ['sessions', 'range', from, to] satisfies RangeKey,
    queryFn: async () => {
      const found = await everything((cursor) =>
        body(scheduling.GET('/v1/sessions', { params: { query: { from, to, limit: PAGE, cursor } } })),
      )
      see(found)
      return found
    },
    placeholderData: keepPreviousData,
  })
}

/** Blocked time that touches some days. What was deleted leaves no trace to follow, so all of it is asked again. */
export function useBlockedTimesOf({ from, to }: Span) {
  return useQuery({
    queryKey: ['blocked-times', 'range', from, to],
    queryFn: () =>
      everything((cursor) =>
        body(scheduling.GET('/v1/events', { params: { query: { from, to, limit: PAGE, cursor } } })),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: POLL_MS,
  })
}

/** Look every few seconds for what others changed, while the page can be seen. */
export function useOthersChanges() {
  const queries = useQueryClient()
  return useQuery({
    queryKey: ['session-changes'],
    queryFn: async () => {
      const since = new Date((newest || Date.now() - DAY_MS) - OVERLAP_MS).toISOString()
      let cursor: string | undefined
      for (let page = 0; page < PAGES_A_POLL; page += 1) {
        const answer = await body(
          scheduling.GET('/v1/sessions', {
            params: { query: { updated_since: since, sort: 'updated_at', limit: PAGE, cursor } },
          }),
        )
        see(answer.data)
        takeIn(queries, answer.data)
        cursor = answer.next_cursor ?? undefined
        if (!cursor) break
      }
      return newest
    },
    refetchInterval: POLL_MS,
    staleTime: 0,
    retry: false,
  })
}

/** Put sessions where they belong in everything that is shown; those that moved away leave. */
export function takeIn(queries: QueryClient, sessions: readonly Session[]): void {
  const news = sessions.filter(({ id }) => !underWay.has(id))
  if (news.length === 0) return
  const changed = new Set<string>()
  for (const [key, shown] of queries.getQueriesData<Session[]>({ queryKey: ['sessions', 'range'] })) {
    if (!shown) continue
    const [, , from, to] = key as RangeKey
    const merged = mergedInto(shown, news, from, to, changed)
    if (merged) queries.setQueryData(key, merged)
  }
  for (const id of changed) {
    void queries.invalidateQueries({ queryKey: ['session', id] })
    void queries.invalidateQueries({ queryKey: ['deposits', id] })
  }
}

function mergedInto(
  shown: readonly Session[],
  news: readonly Session[],
  from: string,
  to: string,
  changed: Set<string>,
): Session[] | null {
  const byId = new Map(shown.map((session) => [session.id, session]))
  let different = false
  for (const session of news) {
    const known = byId.get(session.id)
    if (known && known.version >= session.version) continue
    const starts = Date.parse(session.starts_at)
    if (starts >= Date.parse(from) && starts < Date.parse(to)) byId.set(session.id, session)
    else if (known) byId.delete(session.id)
    else continue
    if (known) changed.add(session.id)
    different = true
  }
  return different ? [...byId.values()] : null
}

/** Show a change at once, and send it; what comes back counts, and a refusal puts everything back. */
export async function change(
  queries: QueryClient,
  session: Session,
  fields: Partial<Session>,
  send: () => Promise<Session>,
) {
  underWay.add(session.id)
  await queries.cancelQueries({ queryKey: ['sessions', 'range'] })
  replace(queries, { ...session, ...fields })
  try {
    const answer = await send()
    replace(queries, answer)
    void queries.invalidateQueries({ queryKey: ['session', session.id] })
    void queries.invalidateQueries({ queryKey: ['stats'] })
    return answer
  } catch (error) {
    replace(queries, session)
    void queries.invalidateQueries({ queryKey: ['sessions', 'range'] })
    throw error
  } finally {
    underWay.delete(session.id)
  }
}

function replace(queries: QueryClient, session: Session): void {
  queries.setQueriesData<Session[]>({ queryKey: ['sessions', 'range'] }, (shown) =>
    shown?.map((one) => (one.id === session.id ? session : one)),
  )
}

/** The same for blocked time; null takes it away. */
export async function changeBlocked<T>(
  queries: QueryClient,
  event: BlockedTime,
  fields: Partial<BlockedTime> | null,
  send: () => Promise<T>,
): Promise<T> {
  const key = { queryKey: ['blocked-times', 'range'] }
  await queries.cancelQueries(key)
  queries.setQueriesData<BlockedTime[]>(key, (shown) =>
    shown?.flatMap((one) => (one.id === event.id ? (fields ? [{ ...one, ...fields }] : []) : [one])),
  )
  try {
    return await send()
  } finally {
    void queries.invalidateQueries({ queryKey: ['blocked-times'] })
  }
}

function see(sessions: readonly Session[]): void {
  for (const { updated_at } of sessions) newest = Math.max(newest, Date.parse(updated_at))
}

// What the panel asks the services, and how often: while something is under way, often enough to watch it.
import { keepPreviousData, type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query'
import { body, clients, everything, notifications, payments, scheduling } from '~/api/client'
import type { Deposit, Session } from '~/api/types'

const SOON_MS = 1_500
const LATER_MS = 10_000
const NEWS_MS = 12_000
const QUOTE_MS = 14 * 60_000

export const keys = {
  session: (id: string) => ['session', id] as const,
  deposits: (id: string) => ['deposits', id] as const,
  reminders: (id: string) => ['reminders', id] as const,
  deliveries: (id: string) => ['deliveries', id] as const,
  quote: (id: string) => ['refund-quote', id] as const,
}

/** Until when the other services may be expected to follow what was done here. */
const news = new Map<string, number>()

function busy(id: string): boolean {
  return (news.get(id) ?? 0) > Date.now()
}

export function useSession(id: string) {
  const queries = useQueryClient()
  return useQuery({
    queryKey: keys.session(id),
    queryFn: async ({ signal }) =>
      newest(
        queries.getQueryData<Session>(keys.session(id)),
        await body(scheduling.GET('/v1/sessions/{session_id}', { params: { path: { session_id: id } }, signal })),
      ),
    staleTime: 0,
    refetchInterval: ({ state }) =>
      busy(id) || awaits(state.data) || queries.getQueryData<Deposit[]>(keys.deposits(id))?.some(moves)
        ? SOON_MS
        : LATER_MS,
  })
}

/** The session's deposit as payments keeps it; `[]` where it keeps none. */
export function useDeposits(session: Session) {
  return useQuery({
    queryKey: keys.deposits(session.id),
    queryFn: ({ signal }) =>
      everything((cursor) =>
        body(payments.GET('/v1/deposits', { params: { query: { session_id: session.id, cursor } }, signal })),
      ),
    staleTime: 0,
    refetchInterval: ({ state }) =>
      busy(session.id) || awaits(session) || state.data?.some(moves) ? SOON_MS : LATER_MS,
  })
}

export function useReminders(id: string) {
  return useQuery({
    queryKey: keys.reminders(id),
    queryFn: ({ signal }) =>
      everything((cursor) =>
        body(notifications.GET('/v1/reminders', { params: { query: { session_id: id, cursor } }, signal })),
      ),
    refetchInterval: () => (busy(id) ? SOON_MS : LATER_MS),
  })
}

export function useDeliveries(id: string) {
  return useQuery({
    queryKey: keys.deliveries(id),
    queryFn: ({ signal }) =>
      everything((cursor) =>
        body(notifications.GET('/v1/deliveries', { params: { query: { session_id: id, cursor } }, signal })),
      ),
    refetchInterval: ({ state }) =>
      busy(id) || state.data?.some(({ status }) => status === 'queued') ? SOON_MS : LATER_MS,
  })
}

export function useHistory({ id, version }: Session) {
  return useQuery({
    queryKey: ['history', id, version],
    queryFn: ({ signal }) =>
      body(scheduling.GET('/v1/sessions/{session_id}/history', { params: { path: { session_id: id } }, signal })),
    placeholderData: keepPreviousData,
  })
}

export function useClient(id: string) {
  return useQuery({
    queryKey: ['client', id],
    queryFn: ({ signal }) =>
      body(clients.GET('/v1/clients/{client_id}', { params: { path: { client_id: id } }, signal })),
    staleTime: 60_000,
  })
}

/** What a cancellation now would return. */
export function quoteOf(id: string) {
  return {
    queryKey: keys.quote(id),
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      body(payments.GET('/v1/sessions/{session_id}/refund-quote', { params: { path: { session_id: id } }, signal })),
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchInterval: QUOTE_MS,
  }
}

/** Show what an action answered, and look at everything that follows from it. */
export function take(queries: QueryClient, answer: Session): void {
  queries.setQueryData<Session>(keys.session(answer.id), (known) => newest(known, answer))
  follow(queries, answer)
}

/** Something was done to the session, or about it: others will tell what became of it. */
export function follow(queries: QueryClient, { id, client_id, series_id }: Session): void {
  news.set(id, Date.now() + NEWS_MS)
  const stale: readonly (readonly unknown[])[] = [
    ['sessions'],
    ['stats'],
    ['client', client_id],
    keys.session(id),
    keys.deposits(id),
    keys.reminders(id),
    keys.deliveries(id),
    ...(series_id ? [['session'], ['series']] : []),
  ]
  for (const queryKey of stale) void queries.invalidateQueries({ queryKey })
}

function newest(known: Session | undefined, told: Session): Session {
  return known && known.version > told.version ? known : told
}

/** Whether payments still owes an answer about the session's deposit. */
function awaits(session: Session | undefined): boolean {
  const deposit = session?.deposit
  if (!session || !deposit) return false
  if (deposit.status === 'refund_pending') return true
  return deposit.id === null && deposit.status !== 'not_asked'
}

function moves(deposit: Deposit): boolean {
  return deposit.status === 'refund_pending' || deposit.refunds.some(({ status }) => status === 'pending')
}

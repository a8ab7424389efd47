// What the pages of clients ask of the service, and how they change it.
import { keepPreviousData, type QueryClient, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { body, clients, idempotencyKey } from '~/api/client'
import type { components } from '~/api/generated/clients'
import { Problem } from '~/api/problem'
import type { Client } from '~/api/types'

export type Search = { q: string; tag: string }

const PAGE = 50
const FOLLOWED_MS = 10_000

/** Clients as one types: the best first, then the most recent. */
export function useClients({ q, tag }: Search) {
  return useInfiniteQuery({
    queryKey: ['clients', { q, tag }],
    queryFn: ({ pageParam, signal }) =>
      body(
        clients.GET('/v1/clients', {
          params: { query: { q: q || undefined, tag: tag || undefined, limit: PAGE, cursor: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  })
}

/** The first few that a search finds, for a field in which one of them is chosen. */
export function useFound(q: string, enabled: boolean) {
  return useQuery({
    queryKey: ['clients', 'found', q],
    queryFn: ({ signal }) => body(clients.GET('/v1/clients', { params: { query: { q, limit: 8 } }, signal })),
    enabled,
    placeholderData: keepPreviousData,
  })
}

export function useClient(id: string | undefined) {
  return useQuery({
    queryKey: ['client', id],
    queryFn: () => getClient(id ?? ''),
    enabled: id !== undefined,
  })
}

export function getClient(id: string): Promise<Client> {
  return body(clients.GET('/v1/clients/{client_id}', { params: { path: { client_id: id } } }))
}

/** Sessions by year; asked again now and then, as what happens to a session reaches the clients service by events. */
export function useTimeline(id: string) {
  return useQuery({
    queryKey: ['client', id, 'timeline'],
    queryFn: () => body(clients.GET('/v1/clients/{client_id}/timeline', { params: { path: { client_id: id } } })),
    refetchInterval: FOLLOWED_MS,
  })
}

/** The receipt of an erasure, looked at until every service has answered; null where none was asked for. */
export function useErasure(id: string, enabled: boolean) {
  return useQuery({
    queryKey: ['client', id, 'erasure'],
    queryFn: async () => {
      try {
        return await body(clients.GET('/v1/clients/{client_id}/erasure', { params: { path: { client_id: id } } }))
      } catch (error) {
        if (error instanceof Problem && error.status === 404) return null
        throw error
      }
    },
    enabled,
    refetchInterval: (query) => (query.state.data?.status === 'running' ? 700 : false),
  })
}

type Change = components['schemas']['ClientChangePatch']

/**
 * Change what is given, on top of what is known here by then, so that a person's own changes follow each other; `version` says
 * what the change was thought of on, where that was earlier. What somebody else changed since is refused (412 `stale`).
 */
export function useWrite(id: string) {
  const cache = useQueryClient()
  const keep = useKeep()
  return async (change: Change, version?: number): Promise<Client> => {
    const known = version ?? cache.getQueryData<Client>(['client', id])?.version
    const after = await body(
      clients.PATCH('/v1/clients/{client_id}', {
        params: { path: { client_id: id }, header: known === undefined ? {} : seen({ version: known }) },
        body: change,
      }),
    )
    keep(after)
    return after
  }
}

/** Changes of one client go one after the other. */
export function inTurn(id: string): { id: string } {
  return { id: `client ${id}` }
}

export async function deleteClient(client: Client): Promise<void> {
  await clients.DELETE('/v1/clients/{client_id}', {
    params: { path: { client_id: client.id }, header: seen(client) },
  })
}

export function restoreClient(id: string): Promise<Client> {
  return body(
    clients.POST('/v1/clients/{client_id}/restore', {
      params: { path: { client_id: id }, header: idempotencyKey() },
      body: { allow_duplicate: false },
    }),
  )
}

/** What is shown of a client anywhere may be old now. */
export function useForget() {
  const cache = useQueryClient()
  return (...ids: string[]) => forget(cache, ...ids)
}

/** Keep a client's record as it was just answered. */
export function useKeep() {
  const cache = useQueryClient()
  return (client: Client) => {
    cache.setQueryData(['client', client.id], client)
    void cache.invalidateQueries({ queryKey: ['clients'] })
    void cache.invalidateQueries({ queryKey: ['stats'] })
  }
}

function forget(cache: QueryClient, ...ids: string[]): void {
  void cache.invalidateQueries({ queryKey: ['clients'] })
  void cache.invalidateQueries({ queryKey: ['stats'] })
  void cache.invalidateQueries({ queryKey: ['sessions'] })
  for (const id of ids) void cache.invalidateQueries({ queryKey: ['client', id] })
}

export function seen(client: Pick<Client, 'version'>): { 'If-Match': string } {
  return { 'If-Match': `"${client.version}"` }
}

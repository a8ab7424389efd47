// What the four services tell operators, asked again every few seconds.
import { queryOptions } from '@tanstack/react-query'
import { body, operations } from '~/api/client'
import type { components } from '~/api/generated/scheduling'
import type { Service } from '~/api/problem'

export const SERVICES = ['scheduling', 'clients', 'payments', 'notifications'] as const satisfies Service[]
export const PACE_MS = 5000

export type Kept = components['schemas']['InboxEntryOut']
export type Invariant = components['schemas']['InvariantOut']

const AT_ONCE = 200

export function operationsKey(service: Service) {
  return ['operations', service] as const
}

const live = { refetchInterval: PACE_MS, staleTime: 0, retry: false } as const

export function outboxOf(service: Service) {
  return queryOptions({
    queryKey: [...operationsKey(service), 'outbox'],
    queryFn: () => body(operations[service].GET('/v1/ops/outbox')),
    ...live,
  })
}

/** What is kept in any state: only counted. */
export function keptOf(service: Service) {
  return queryOptions({
    queryKey: [...operationsKey(service), 'kept'],
    queryFn: () => body(operations[service].GET('/v1/ops/inbox', { params: { query: { limit: AT_ONCE } } })),
    ...live,
  })
}

export function parkedOf(service: Service) {
  return queryOptions({
    queryKey: [...operationsKey(service), 'parked'],
    queryFn: () =>
      body(operations[service].GET('/v1/ops/inbox', { params: { query: { status: 'parked', limit: AT_ONCE } } })),
    ...live,
  })
}

export function deadOf(service: Service) {
  return queryOptions({
    queryKey: [...operationsKey(service), 'dead'],
    queryFn: () => body(operations[service].GET('/v1/ops/dead', { params: { query: { limit: AT_ONCE } } })),
    ...live,
  })
}

export function invariantsOf(service: Service) {
  return queryOptions({
    queryKey: [...operationsKey(service), 'invariants'],
    queryFn: () => body(operations[service].GET('/v1/ops/invariants')),
    ...live,
  })
}

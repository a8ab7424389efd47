// The provider's account and what nearly every page needs of it: time zone, currency, plan.
import { useQuery, useSuspenseQuery } from '@tanstack/react-query'
import { body, everything, scheduling } from '~/api/client'

export const accountKey = ['account'] as const
const SELDOM_MS = 5 * 60_000

const account = { queryKey: accountKey, queryFn: () => body(scheduling.GET('/v1/account')), staleTime: SELDOM_MS }

/** The account; suspends until it is there, so it may be used freely below the shell. */
export function useAccount() {
  return useSuspenseQuery(account).data
}

export function useTimeZone(): string {
  return useAccount().timezone
}

export function useSessionTypes() {
  return useQuery({
    queryKey: ['session-types'],
    queryFn: () =>
      everything((cursor) => body(scheduling.GET('/v1/services', { params: { query: { limit: 200, cursor } } }))),
    staleTime: SELDOM_MS,
  })
}

export function useCalendars() {
  return useQuery({
    queryKey: ['calendars'],
    queryFn: () =>
      everything((cursor) => body(scheduling.GET('/v1/calendars', { params: { query: { limit: 200, cursor } } }))),
    staleTime: SELDOM_MS,
  })
}

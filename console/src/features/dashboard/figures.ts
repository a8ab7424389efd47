// What the dashboard asks of scheduling; asked again while it is looked at.
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { body, scheduling } from '~/api/client'

const FOLLOWED_MS = 15_000
const COMING = 8

export function useStats(from: string, to: string) {
  return useQuery({
    queryKey: ['stats', from, to],
    queryFn: () => body(scheduling.GET('/v1/stats', { params: { query: { from, to } } })),
    refetchInterval: FOLLOWED_MS,
    placeholderData: keepPreviousData,
  })
}

/** The sessions that start next, from now on. */
export function useComing() {
  return useQuery({
    queryKey: ['sessions', 'coming', COMING],
    queryFn: () =>
      body(
        scheduling.GET('/v1/sessions', {
          params: { query: { from: new Date().toISOString(), status: ['pending', 'confirmed'], limit: COMING } },
        }),
      ),
    refetchInterval: FOLLOWED_MS,
  })
}

/** Whether the practice has ever had a session. */
export function useAnySession() {
  return useQuery({
    queryKey: ['sessions', 'any'],
    queryFn: async () =>
      (await body(scheduling.GET('/v1/sessions', { params: { query: { limit: 1 } } }))).data.length > 0,
  })
}

// How answers of the services are kept and asked again.
import { QueryClient } from '@tanstack/react-query'
import { Problem } from '~/api/problem'

const TRIES = 2

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      // A service that is down is asked again by hand or by the next look; what it refused it refuses again.
      retry: (count, error) => count < TRIES && error instanceof Problem && error.down,
      retryDelay: (count) => 500 * 2 ** count,
      refetchOnWindowFocus: true,
    },
    mutations: { retry: false },
  },
})

// The four services over HTTP, typed by the documents that they publish.
import createClient, { type Middleware } from 'openapi-fetch'
import { accessToken, refused } from '~/auth/session'
import type { paths as Clients } from './generated/clients'
import type { paths as Notifications } from './generated/notifications'
import type { paths as Payments } from './generated/payments'
import type { paths as Scheduling } from './generated/scheduling'
import { Problem, type Service } from './problem'

const PATIENCE_MS = 30_000

/** Adds the token, and turns every answer but a success into a `Problem`. */
function conversation(service: Service): Middleware {
  return {
    onRequest({ request, schemaPath }) {
      const token = accessToken()
      if (token && !isPublic(schemaPath)) request.headers.set('Authorization', `Bearer ${token}`)
      return request
    },
    async onResponse({ response, schemaPath }) {
      if (response.ok) return response
      const problem = await Problem.from(service, response)
      if (problem.status === 401 && !isPublic(schemaPath)) refused()
      throw problem
    },
    onError({ error }) {
      if (error instanceof Problem) return error
      return new Problem(service, 0, 'unreachable', String((error as Error)?.message ?? error))
    },
  }
}

/** The pages for clients are asked without a token. */
function isPublic(path: string): boolean {
  return path.startsWith('/v1/booking/') || path.startsWith('/v1/manage/')
}

function client<Paths extends object>(service: Service) {
  const made = createClient<Paths>({
    baseUrl: `/${service}`,
    // Lists in a query are comma-separated, as the API writes them.
    querySerializer: { array: { style: 'form', explode: false } },
    fetch: (request) => fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(PATIENCE_MS)]) }),
  })
  made.use(conversation(service))
  return made
}

export const scheduling = client<Scheduling>('scheduling')
export const clients = client<Clients>('clients')
export const payments = client<Payments>('payments')
export const notifications = client<Notifications>('notifications')

type Operations = Pick<Scheduling, Extract<keyof Scheduling, `/v1/ops/${string}`>>

/** What every service has for operators, the same in all. */
export const operations = {
  scheduling: client<Operations>('scheduling'),
  clients: client<Operations>('clients'),
  payments: client<Operations>('payments'),
  notifications: client<Operations>('notifications'),
}

/** The answer's body; what was refused has been thrown as a `Problem` by then. */
export async function body<T>(answer: Promise<{ data?: T; response: Response }>): Promise<T> {
  const { data } = await answer
  return data as T
}

/** Everything of a list, page by page, up to `most`. */
export async function everything<T>(
  page: (cursor: string | undefined) => Promise<{ data: T[]; next_cursor: string | null }>,
  most = 5000,
): Promise<T[]> {
  const all: T[] = []
  let cursor: string | undefined
  do {
    const answer = await page(cursor)
    all.push(...answer.data)
    cursor = answer.next_cursor ?? undefined
  } while (cursor && all.length < most)
  return all
}

/** For a POST that must not be done twice, however often it is sent. */
export function idempotencyKey(): { 'Idempotency-Key': string } {
  return { 'Idempotency-Key': crypto.randomUUID() }
}

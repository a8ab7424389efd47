// A session's events as all services remember them, put together again from their hops.
import { queryOptions } from '@tanstack/react-query'
import { body, operations } from '~/api/client'
import type { components } from '~/api/generated/payments'
import type { Service } from '~/api/problem'
import { PACE_MS, SERVICES } from './looking'

export type Step = components['schemas']['StepOut']

/** One event: published once, handled by any number of services. */
export type Passage = { id: string; type: string; subject: string; at: string; published?: Step; handled: Step[] }

export type Journey = { passages: Passage[]; truncated: boolean; missing: Service[] }

/** Payments is asked first: it knows which deposit and refunds belong to the session; the others are asked of all of them. */
export function journeyOf(subject: string) {
  return queryOptions({
    queryKey: ['journey', subject],
    queryFn: async (): Promise<Journey> => {
      const ask = (service: Service, subjects: string[]) =>
        body(operations[service].GET('/v1/ops/journey', { params: { query: { subject: subjects } } }))
      const [money] = await Promise.allSettled([ask('payments', [subject])])
      const subjects = money.status === 'fulfilled' ? money.value.subjects : [subject]
      const others = SERVICES.filter((service) => service !== 'payments')
      const answers = await Promise.allSettled(others.map((service) => ask(service, subjects)))
      const all = [money, ...answers]
      const got = all.filter((answer) => answer.status === 'fulfilled').map(({ value }) => value)
      const failure = all.find((answer) => answer.status === 'rejected')
      if (got.length === 0 && failure) throw failure.reason
      const missing = (['payments', ...others] as const).filter((_, n) => all[n]?.status === 'rejected')
      return {
        passages: passages(got.flatMap(({ data }) => data)),
        truncated: got.some(({ truncated }) => truncated),
        missing,
      }
    },
    refetchInterval: PACE_MS,
    staleTime: 0,
    retry: false,
  })
}

function passages(steps: Step[]): Passage[] {
  const found = new Map<string, Passage>()
  for (const step of steps) {
    const { id, type, subject, at } = step
    const passage = found.get(id) ?? { id, type, subject, at, handled: [] }
    found.set(id, passage)
    if (step.role === 'published') {
      passage.published = step
      passage.at = at
    } else passage.handled.push(step)
  }
  for (const { handled } of found.values()) handled.sort((one, other) => moment(one.at) - moment(other.at))
  return [...found.values()].sort((one, other) => moment(one.at) - moment(other.at))
}

/** How long a step came after its event, in milliseconds; undefined where nobody remembers when that was. */
export function latency(passage: Passage, step: Step): number | undefined {
  return passage.published ? Math.max(moment(step.at) - moment(passage.published.at), 0) : undefined
}

export function moment(at: string): number {
  return Date.parse(at)
}

/** What a person may have to look at. */
export function troubled(step: Step): boolean {
  return step.status !== 'done' && step.status !== 'published'
}

// Free times of a booking page, a month at a time, by the day on the client's wall.
import { queryOptions } from '@tanstack/react-query'
import { Temporal } from 'temporal-polyfill'
import { body, scheduling } from '~/api/client'
import { startOf } from '~/i18n/zone'

const FRESH_MS = 30_000
const FURTHEST_MONTHS = 13

/** What the times are of: a session type on a page, with one specialist or (without `calendarId`) with anyone. */
export type Offer = { username: string; serviceId: string; calendarId?: string; zone: string }

/** The starts of each day, in order; days without any are not in it. */
export type Month = ReadonlyMap<string, readonly string[]>

export function slotsKey(username: string) {
  return ['slots', username] as const
}

/** The free times of a month ("2026-12") as the client's wall clock has it. */
export function slotsOf({ username, serviceId, calendarId, zone }: Offer, month: string) {
  return queryOptions({
    queryKey: [...slotsKey(username), serviceId, calendarId ?? 'any', zone, month],
    queryFn: async ({ signal }): Promise<Month> => {
      const days = daysOf(month)
      const query = {
        service_id: serviceId,
        calendar_id: calendarId,
        from: startOf(days[0] ?? `${month}-01`, zone),
        to: startOf(`${monthsOn(month, 1)}-01`, zone),
      }
      const answer = await body(
        scheduling.GET('/v1/booking/{username}/slots', { params: { path: { username }, query }, signal }),
      )
      return byDay(
        answer.data.map((slot) => slot.starts_at),
        days,
        zone,
      )
    },
    staleTime: FRESH_MS,
  })
}

/** The first month from now on with a free time, null where there is none as far as clients may book. */
export function firstMonthOf(offer: Offer, from: string, advanceDays: number) {
  const { username, serviceId, calendarId, zone } = offer
  return queryOptions({
    queryKey: [...slotsKey(username), serviceId, calendarId ?? 'any', zone, 'first', from],
    queryFn: async ({ client }) => {
      const months = Math.min(Math.ceil(advanceDays / 28) + 1, FURTHEST_MONTHS)
      for (let n = 0; n <= months; n++) {
        const month = monthsOn(from, n)
        if ((await client.fetchQuery(slotsOf(offer, month))).size) return month
      }
      return null
    },
    staleTime: FRESH_MS,
  })
}

/** `monthsOn("2026-12", 1)` is "2027-01". */
export function monthsOn(month: string, months: number): string {
  return Temporal.PlainYearMonth.from(month).add({ months }).toString()
}

function daysOf(month: string): string[] {
  const whole = Temporal.PlainYearMonth.from(month)
  return Array.from({ length: whole.daysInMonth }, (_, n) => whole.toPlainDate({ day: n + 1 }).toString())
}

/** By the boundaries of the days rather than by each start's own date: there are hundreds of starts, and converting costs. */
function byDay(starts: string[], days: string[], zone: string): Month {
  const bounds = days.map((day) => Date.parse(startOf(day, zone)))
  const found = new Map<string, string[]>()
  let n = 0
  let last: number | undefined
  for (const start of starts) {
    const at = Date.parse(start)
    if (at === last) continue
    last = at
    while (n + 1 < days.length && at >= (bounds[n + 1] ?? Number.POSITIVE_INFINITY)) n++
    const day = days[n]
    if (day === undefined) continue
    const before = found.get(day)
    if (before) before.push(start)
    else found.set(day, [start])
  }
  return found
}

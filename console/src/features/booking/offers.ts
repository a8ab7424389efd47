// What a booking page offers.
import { queryOptions } from '@tanstack/react-query'
import { body, scheduling } from '~/api/client'
import type { components } from '~/api/generated/scheduling'

export type BookingPageData = components['schemas']['PageOut']
export type Offered = components['schemas']['OfferOut']
export type Rules = components['schemas']['RulesOut']

export function pageOf(username: string) {
  return queryOptions({
    queryKey: ['booking-page', username],
    queryFn: () => body(scheduling.GET('/v1/booking/{username}', { params: { path: { username } } })),
    staleTime: 60_000,
  })
}

/** Whether clients choose whom they see: not where one alone offers the type, nor where it is assigned by itself. */
export function chooseSpecialist(type: Offered): boolean {
  return type.calendars.length > 1 && !type.auto_assign
}

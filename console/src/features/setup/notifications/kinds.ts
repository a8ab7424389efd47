// The kinds of messages, by whom they are written to.
import { useQuery } from '@tanstack/react-query'
import { body, everything, notifications } from '~/api/client'

export const TO_CLIENT = [
  'pending',
  'confirmation',
  'rescheduled',
  'cancelled',
  'restored',
  'reminder_24h',
  'reminder_2h',
  'deposit_due',
  'deposit_received',
  'released',
  'refund_sent',
] as const

export const TO_PROVIDER = [
  'booking_received',
  'rescheduled_by_client',
  'cancelled_by_client',
  'auto_confirmed',
  'deposit_paid',
  'booking_released',
  'deposit_not_asked',
  'refund_decision_needed',
  'refund_failed',
  'disputed',
] as const

export type Kind = (typeof TO_CLIENT)[number] | (typeof TO_PROVIDER)[number]
export type Channel = 'email' | 'sms'

export const KINDS: readonly Kind[] = [...TO_CLIENT, ...TO_PROVIDER]

export function textable(kind: Kind): boolean {
  return TO_CLIENT.some((each) => each === kind)
}

export function useNotificationSettings() {
  return useQuery({
    queryKey: ['notification-settings'],
    queryFn: () => body(notifications.GET('/v1/settings')),
    staleTime: 60_000,
  })
}

export type Template = {
  kind: string
  channel: string
  locale: string
  own: boolean
  version: number
  subject: string
  text: string
  html: string
}

const written = (text: unknown) => (typeof text === 'string' ? text : '')

/** Every template, and what may be used in them. */
export function useTemplates() {
  return useQuery({
    queryKey: ['templates'],
    queryFn: async () => {
      let variables: string[] = []
      const found = await everything(async (cursor) => {
        const page = await body(notifications.GET('/v1/templates', { params: { query: { limit: 200, cursor } } }))
        variables = page.variables
        return page
      })
      const templates = found.map(
        ({ kind, channel, locale, own, version, subject, text, html }): Template => ({
          kind,
          channel,
          locale,
          own,
          version,
          subject: written(subject),
          text: written(text),
          html: written(html),
        }),
      )
      return { templates, variables }
    },
    staleTime: 60_000,
  })
}

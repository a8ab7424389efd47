// What a row of the history changed, in words.
import { useTranslation } from 'react-i18next'
import type { Session } from '~/api/types'
import { useTimeZone } from '~/app/account'
import { dayAndTime, money } from '~/i18n/format'
import { useNames } from './names'

export type Change = {
  at: string
  actor: string
  action: string
  changes: Record<string, unknown>
  reason: string | null
}

type Fields = Record<string, unknown>
type Say = (value: unknown) => string

/** What has no value that a person would want to read: that it changed is told by the row, or by another field. */
const SILENT = new Set(['series_id', 'client_id', 'copied_from'])

export function useChangeWords(): (change: Change) => string[] {
  const { t } = useTranslation('session')
  const zone = useTimeZone()
  const nameOf = useNames()

  const text = (value: unknown) => (value === null || value === '' ? t('nothing') : String(value))
  const saying: Record<string, Say> = {
    status: (value) => t(String(value), { ns: 'app' }),
    starts_at: (value) => (typeof value === 'string' ? dayAndTime(value, zone) : t('nothing')),
    duration_minutes: (value) => t('minutes', { ns: 'app', count: Number(value) }),
    service_id: (value) => nameOf(String(value)),
    calendar_id: (value) => nameOf(String(value)),
    price: (value) => (isFields(value) && isMoney(value) ? money(value) : t('free')),
  }

  const field = (action: string, name: string, before: unknown, after: unknown): string | undefined => {
    // What the action's own name says already.
    if (name === 'status' && action !== 'restored') return undefined
    if (SILENT.has(name)) return undefined
    if (name === 'notes') return t('changed_notes')
    if (name === 'session_notes') return t('changed_session_notes')
    if (name === 'deposit') return deposit(before, after, action === 'deposit')
    if (name === 'refund') return t(`decided_${String(after)}`)
    if (name === 'auto_confirm_at')
      return typeof after === 'string' ? t('confirmsItself', { when: dayAndTime(after, zone) }) : undefined
    if (name === 'overlaps') return t('changed_overlaps', { count: Array.isArray(after) ? after.length : 1 })
    if (name === 'outside_working_hours') return t('changed_outside')
    const say = saying[name] ?? text
    const label = saying[name] ? t(`field_${name}`) : name
    return t('fromTo', { field: label, before: say(before), after: say(after) })
  }

  const deposit = (before: unknown, after: unknown, alone: boolean): string | undefined => {
    if (!isFields(after)) return t('depositGone')
    const status = (fields: Fields) => t(`deposit_${String(fields.status)}`, { ns: 'app' })
    const amount = (fields: Fields) => money({ amount: Number(fields.amount), currency: String(fields.currency) })
    const became = (was: string, is: string) =>
      alone ? t('becomes', { before: was, after: is }) : t('fromTo', { field: t('deposit'), before: was, after: is })
    if (!isFields(before)) return t('depositIs', { status: status(after), amount: amount(after) })
    if (before.status !== after.status) return became(status(before), status(after))
    if (before.amount !== after.amount) return became(amount(before), amount(after))
    return before.id === null ? t('depositAsked', { amount: amount(after) }) : undefined
  }

  return ({ action, changes }) =>
    Object.entries(changes).flatMap(([name, both]) => {
      const [before, after]: unknown[] = Array.isArray(both) ? both : [null, both]
      return field(action, name, before, after) ?? []
    })
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isMoney(value: Fields): value is NonNullable<Session['price']> {
  return typeof value.amount === 'number' && typeof value.currency === 'string'
}

// One entry of the grid: plain elements, as a week may hold hundreds of them.
import type { EventDisplayInfo } from '@fullcalendar/react'
import type { TFunction } from 'i18next'
import { time } from '~/i18n/format'
import { IconCreditCard, IconLock } from '~/ui/icons'
import { statusShape } from '~/ui/StatusMark'
import type { Entry } from './entries'
import classes from './Grid.module.css'

export type Told = { app: TFunction<'app'>; t: TFunction<'calendar'>; timeZone: string }

export function entryOf(info: { event: { extendedProps: Record<string, unknown> } }): Entry | null {
  const { kind } = info.event.extendedProps
  return kind === 'session' || kind === 'blocked' ? (info.event.extendedProps as Entry) : null
}

export function entryContent(info: EventDisplayInfo, { app, t, timeZone }: Told) {
  const entry = entryOf(info)
  if (!entry) return null
  const { start, end, allDay } = info.event
  const month = info.view.type === 'dayGridMonth'
  // While it is dragged the grid knows the time better than the service.
  const when = !start || allDay ? '' : `${time(start, timeZone)}${end && !month ? `–${time(end, timeZone)}` : ''}`
  if (entry.kind === 'blocked') {
    return (
      <span className={classes.content} data-short={info.isShort || month || undefined}>
        <span className={classes.first}>
          <IconLock size={14} stroke={1.8} aria-hidden className={classes.mark} />
          <span className={classes.name}>{info.event.title || t('blocked')}</span>
        </span>
        {when && <span className={classes.when}>{when}</span>}
        <span className={classes.unseen}>{t('blocked')}</span>
      </span>
    )
  }
  const { session } = entry
  const Shape = statusShape(session.status)
  const deposit = session.deposit && app(`deposit_${session.deposit.status}`)
  return (
    <span className={classes.content} data-short={info.isShort || month || undefined}>
      <span className={classes.first}>
        <Shape size={14} stroke={1.8} className={classes.mark} aria-hidden />
        <span className={classes.name}>{session.client.name || app('deletedClient')}</span>
        {deposit && (
          <span className={classes.deposit} role="img" aria-label={deposit} title={deposit}>
            <IconCreditCard size={14} stroke={1.8} aria-hidden />
          </span>
        )}
      </span>{' '}
      <span className={classes.when}>{when}</span> <span className={classes.what}>{session.service.name}</span>
      <span className={classes.unseen}>, {app(session.status)}</span>
    </span>
  )
}

export function entryClass(info: EventDisplayInfo): string | undefined {
  const entry = entryOf(info)
  if (!entry) return undefined
  const status = entry.kind === 'session' ? classes[entry.session.status] : classes.blocked
  return `${classes.entry} ${status ?? ''}`
}

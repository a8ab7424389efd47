// The days to come as a list: what a narrow screen has room for.

import { useTranslation } from 'react-i18next'
import type { BlockedTime, Session } from '~/api/types'
import { longDay, span } from '~/i18n/format'
import { addDays, dateOf, startOf } from '~/i18n/zone'
import { EmptyState } from '~/ui/EmptyState'
import { IconCreditCard, IconLock } from '~/ui/icons'
import { statusShape } from '~/ui/StatusMark'
import classes from './Agenda.module.css'
import type { Entry, Shown } from './entries'
import { ofShown } from './entries'
import type { Days } from './views'

type Props = {
  days: Days
  today: string
  timeZone: string
  shown: Shown
  onOpen: (entry: Entry) => void
}

export default function Agenda({ days, today, timeZone, shown, onOpen }: Props) {
  const { t } = useTranslation('calendar')
  const { t: app } = useTranslation('app')
  const byDay = grouped(ofShown(shown), days, timeZone)
  if (byDay.length === 0) return <EmptyState title={t('nothingHere')} />
  return (
    <div className={classes.agenda}>
      {byDay.map(({ date, entries }) => (
        <section key={date} aria-labelledby={`agenda-${date}`} className={classes.day}>
          <h2 id={`agenda-${date}`} className={classes.date}>
            {longDay(startOf(date, timeZone), timeZone)}
            {date === today && <span className={classes.today}>{t('today')}</span>}
          </h2>
          <ul className={classes.entries}>
            {entries.map((entry) => (
              <li key={entry.kind === 'session' ? entry.session.id : entry.event.id}>
                <button type="button" className={classes.entry} onClick={() => onOpen(entry)}>
                  {entry.kind === 'session' ? (
                    <SessionLine session={entry.session} timeZone={timeZone} app={app} />
                  ) : (
                    <BlockedLine event={entry.event} timeZone={timeZone} allDay={t('allDay')} blocked={t('blocked')} />
                  )}
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  )
}

function SessionLine({ session, timeZone, app }: { session: Session; timeZone: string; app: (key: string) => string }) {
  const Shape = statusShape(session.status)
  const off = session.status === 'cancelled' ? classes.off : undefined
  return (
    <>
      <span className={`${classes.when} ${off ?? ''}`}>{span(session.starts_at, session.ends_at, timeZone)}</span>
      <span
        className={classes.edge}
        data-pending={session.status === 'pending' || undefined}
        style={{ borderLeftColor: session.service.color }}
      />
      <span className={classes.what}>
        <span className={`${classes.name} ${off ?? ''}`}>{session.client.name || app('deletedClient')}</span>
        <span className={classes.quiet}>{session.service.name}</span>
      </span>
      <span className={classes.marks}>
        {session.deposit && (
          <span className={classes.mark} role="img" aria-label={app(`deposit_${session.deposit.status}`)}>
            <IconCreditCard size={16} stroke={1.8} aria-hidden />
          </span>
        )}
        <span className={classes.mark}>
          <Shape size={16} stroke={1.8} aria-hidden />
          <span className={classes.status}>{app(session.status)}</span>
        </span>
      </span>
    </>
  )
}

type BlockedProps = { event: BlockedTime; timeZone: string; allDay: string; blocked: string }

function BlockedLine({ event, timeZone, allDay, blocked }: BlockedProps) {
  return (
    <>
      <span className={classes.when}>{event.all_day ? allDay : span(event.starts_at, event.ends_at, timeZone)}</span>
      <span className={classes.edge} data-blocked />
      <span className={classes.what}>
        <span className={classes.name}>{event.title}</span>
      </span>
      <span className={classes.marks}>
        <span className={classes.mark}>
          <IconLock size={16} stroke={1.8} aria-hidden />
          <span className={classes.status}>{blocked}</span>
        </span>
      </span>
    </>
  )
}

/** By the days on which they take place; what lasts several days stands on each of them. */
function grouped(entries: readonly Entry[], { from, to }: Days, timeZone: string) {
  const days: { date: string; entries: Entry[] }[] = []
  for (let date = from; date < to; date = addDays(date, 1)) {
    const begins = Date.parse(startOf(date, timeZone))
    const ends = Date.parse(startOf(addDays(date, 1), timeZone))
    const on = entries.filter((entry) =>
      entry.kind === 'session'
        ? dateOf(entry.session.starts_at, timeZone) === date
        : Date.parse(entry.event.starts_at) < ends && Date.parse(entry.event.ends_at) > begins,
    )
    if (on.length > 0) days.push({ date, entries: on.sort((a, b) => startsAt(a) - startsAt(b)) })
  }
  return days
}

function startsAt(entry: Entry): number {
  return Date.parse(entry.kind === 'session' ? entry.session.starts_at : entry.event.starts_at)
}

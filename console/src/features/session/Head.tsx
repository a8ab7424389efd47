// What, when, where, for how much.
import { Anchor, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Session } from '~/api/types'
import { useCalendars, useTimeZone } from '~/app/account'
import { day, money, span } from '~/i18n/format'
import { StatusMark } from '~/ui/StatusMark'
import classes from './panel.module.css'
import { useClient } from './queries'

export function Head({ session }: { session: Session }) {
  const { t } = useTranslation('session')
  const zone = useTimeZone()
  const calendars = useCalendars().data ?? []
  const calendar = calendars.find(({ id }) => id === session.calendar_id)
  const { email, phone } = session.client
  return (
    <dl className={classes.facts}>
      <dt>{t('status')}</dt>
      <dd>
        <StatusMark status={session.status} />
      </dd>
      <dt>{t('type')}</dt>
      <dd>
        <span className={classes.dot} style={{ background: session.service.color }} aria-hidden />
        {session.service.name}
      </dd>
      <dt>{t('when')}</dt>
      <dd>
        <Text span inherit fw={600} className={session.status === 'cancelled' ? classes.cancelled : undefined}>
          {day(session.starts_at, zone)}, {span(session.starts_at, session.ends_at, zone)}
        </Text>
        <br />
        <Text span inherit c="var(--quiet)">
          {t('duration', { count: session.duration_minutes })}, {zone}
        </Text>
        <ClientsOwn session={session} zone={zone} />
      </dd>
      {calendar && (
        <>
          <dt>{t('calendar')}</dt>
          <dd>{calendar.name}</dd>
        </>
      )}
      <dt>{t('price')}</dt>
      <dd>{session.price && session.price.amount > 0 ? money(session.price) : t('free')}</dd>
      <dt>{t('source')}</dt>
      <dd>
        {t(`source_${session.source}`)}
        {session.series_id && (
          <Text inherit c="var(--quiet)">
            {t('seriesHint')}
          </Text>
        )}
      </dd>
      {(email || phone) && (
        <>
          <dt>{t('contact')}</dt>
          <dd>
            {email && (
              <Anchor href={`mailto:${email}`} inherit className={classes.target}>
                {email}
              </Anchor>
            )}
            {phone && (
              <Anchor href={`tel:${phone}`} inherit className={classes.target}>
                {phone}
              </Anchor>
            )}
          </dd>
        </>
      )}
    </dl>
  )
}

/** The time on the client's own clock, where that is known to be another. */
function ClientsOwn({ session, zone }: { session: Session; zone: string }) {
  const { t } = useTranslation('session')
  const own = useClient(session.client_id).data?.timezone
  if (!own || own === zone) return null
  const here = `${day(session.starts_at, zone)} ${span(session.starts_at, session.ends_at, zone)}`
  const there = `${day(session.starts_at, own)} ${span(session.starts_at, session.ends_at, own)}`
  if (here === there) return null
  return (
    <Text inherit c="var(--quiet)">
      {t('clientsTime', {
        when: `${day(session.starts_at, own)}, ${span(session.starts_at, session.ends_at, own)}`,
        zone: own,
      })}
    </Text>
  )
}

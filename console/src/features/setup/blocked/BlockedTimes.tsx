// Time that is not for clients, as it comes, and everything that recurs.
import { Button, Skeleton } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, scheduling } from '~/api/client'
import type { BlockedTime } from '~/api/types'
import { useCalendars, useTimeZone } from '~/app/account'
import { day, span } from '~/i18n/format'
import { addDays, moment, plusMinutes, today } from '~/i18n/zone'
import { EmptyState } from '~/ui/EmptyState'
import { Failure } from '~/ui/Failure'
import { IconPlus, IconRepeat } from '~/ui/icons'
import type { Subject } from '../../blocked/block'
import { useOpened } from '../parts/opened'
import { Part } from '../parts/Part'
import rows from '../parts/Rows.module.css'
import { SeriesList } from './SeriesList'

const BlockForm = lazy(() => import('../../blocked/BlockForm'))
const SeriesDrawer = lazy(() => import('./SeriesDrawer'))

export default function BlockedTimes() {
  const { t } = useTranslation('setup')
  const [from] = useState(() => new Date().toISOString())
  const timeZone = useTimeZone()
  const { opened, open, begin, close } = useOpened()
  const coming = useInfiniteQuery({
    queryKey: ['blocked-times', 'coming', from],
    queryFn: ({ pageParam }) =>
      body(scheduling.GET('/v1/events', { params: { query: { from, limit: 25, cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  })
  const events = coming.data?.pages.flatMap((page) => page.data)
  const edited = events?.find(({ id }) => id === opened)
  const subject: Subject | undefined = edited
    ? { kind: 'old', event: edited }
    : opened === 'new'
      ? noon(timeZone)
      : undefined
  const add = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={begin}>
      {t('blockTime')}
    </Button>
  )
  return (
    <>
      <Part title={t('tab_blocked-times')} hint={t('blockedHint')} action={events?.length ? add : undefined}>
        {coming.isPending && <Skeleton h={168} />}
        {coming.isError && <Failure error={coming.error} onRetry={() => void coming.refetch()} />}
        {events?.length === 0 && (
          <EmptyState title={t('noBlocked')} hint={t('noBlockedHint')} level={3}>
            {add}
          </EmptyState>
        )}
        {events && events.length > 0 && (
          <ul className={rows.rows}>
            {events.map((event) => (
              <Row key={event.id} event={event} onOpen={() => open(event.id)} />
            ))}
          </ul>
        )}
        {coming.hasNextPage && (
          <Button mt="md" variant="default" loading={coming.isFetchingNextPage} onClick={() => coming.fetchNextPage()}>
            {t('more')}
          </Button>
        )}
      </Part>
      <SeriesList onOpen={open} />
      <Suspense fallback={null}>
        {subject && <BlockForm key={opened} subject={subject} onClose={close} />}
        {opened?.startsWith('srs_') && <SeriesDrawer id={opened} onClose={close} />}
      </Suspense>
    </>
  )
}

/** An hour at tomorrow's noon, to begin with. */
function noon(timeZone: string): Subject {
  const starts_at = moment(addDays(today(timeZone), 1), '12:00', timeZone)
  return { kind: 'new', starts_at, minutes: 60, allDay: false, calendarId: undefined }
}

function Row({ event, onOpen }: { event: BlockedTime; onOpen: () => void }) {
  const { t } = useTranslation('setup')
  const timeZone = useTimeZone()
  const calendars = useCalendars().data ?? []
  return (
    <li className={rows.row}>
      <div className={rows.name}>
        <button type="button" onClick={onOpen}>
          {event.title}
        </button>
        {calendars.length > 1 && (
          <div className={rows.more}>{calendars.find(({ id }) => id === event.calendar_id)?.name}</div>
        )}
      </div>
      {event.series_id && <IconRepeat size={16} role="img" aria-label={t('recurs')} />}
      <div className={rows.figures}>{when(event, timeZone, t('allDay'))}</div>
    </li>
  )
}

/** "Mon, 30 Nov 2026, 12:00 – 13:00", or the days where it is of whole days. */
function when({ starts_at, ends_at, all_day }: BlockedTime, timeZone: string, allDay: string): string {
  const first = day(starts_at, timeZone)
  const last = day(plusMinutes(ends_at, -1), timeZone)
  if (all_day) return first === last ? `${first}, ${allDay}` : `${first} – ${last}`
  if (first === last) return `${first}, ${span(starts_at, ends_at, timeZone)}`
  const [from, to] = span(starts_at, ends_at, timeZone).split(' – ')
  return `${first}, ${from} – ${last}, ${to}`
}

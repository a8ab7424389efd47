// The grid of days and hours itself.
import '@fullcalendar/react/skeleton.css'
import FullCalendar, {
  type CalendarOptions,
  type CalendarRef,
  type DateClickInfo,
  type DateSelectInfo,
  type EventApi,
  type EventDisplayInfo,
  type EventInput,
} from '@fullcalendar/react'
import dayGrid from '@fullcalendar/react/daygrid'
import de from '@fullcalendar/react/locales/de'
import en from '@fullcalendar/react/locales/en-gb'
import timeGrid from '@fullcalendar/react/timegrid'
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { language } from '~/i18n'
import { dateOf } from '~/i18n/zone'
import { dragging } from './dragging'
import { useDrawn } from './drawn'
import { entryClass, entryContent, entryOf } from './EntryContent'
import type { Entry } from './entries'
import { LOOK } from './look'
import type { View } from './views'

const TYPES = { day: 'timeGridDay', week: 'timeGridWeek', month: 'dayGridMonth' } as const
const FIXED: CalendarOptions = {
  plugins: [timeGrid, dayGrid, dragging],
  locales: [de, en],
  fixedWeekCount: false,
  height: '100%',
  headerToolbar: false,
  headingLevel: 2,
  firstDay: 1,
  borderless: true,
  nowIndicator: true,
  scrollTimeReset: false,
  slotDuration: { minutes: 30 },
  slotHeaderInterval: { hours: 1 },
  // A function, as the grid makes a format of `Intl` anew for every hour and drawing from what is not one.
  slotHeaderFormat: ({ date }) => `${String(date.hour).padStart(2, '0')}:00`,
  slotMinHeight: 28,
  eventMinHeight: 20,
  eventShortHeight: 34,
  slotEventOverlap: false,
  dayMaxEvents: true,
  eventDisplay: 'block',
  // What an entry says of its time it says itself.
  displayEventTime: false,
  eventClass: entryClass,
  editable: true,
  eventResizableFromStart: false,
  longPressDelay: 350,
  selectable: true,
  unselectAuto: false,
}

/** Where on the grid, and where on the screen, somebody asked for something new. */
export type Spot = { starts_at: string; minutes: number | null; allDay: boolean; x: number; y: number }

/** What was dragged or pulled, to where, and the way back. */
export type Move = { entry: Entry; starts_at: string; ends_at: string; allDay: boolean; revert: () => void }

type Props = {
  view: Exclude<View, 'list'>
  date: string
  timeZone: string
  snapMinutes: number
  opensAt: string
  entries: EventInput[]
  /** When the entries were there to be drawn, by the performance clock. */
  readyAt: number
  /** A spot is still being talked about: its highlight stays. */
  asking: boolean
  onSpot: (spot: Spot) => void
  onOpen: (entry: Entry) => void
  onMove: (move: Move) => void
  onDay: (date: string) => void
}

export const Grid = memo(function Grid(props: Props) {
  const { view, date, timeZone, snapMinutes, opensAt, entries, readyAt, asking } = props
  const { t } = useTranslation('calendar')
  const { t: app } = useTranslation('app')
  const grid = useRef<CalendarRef>(null)
  const at = useRef({ view, date })
  const [drawn, setDrawn] = useState(entries)
  useDrawn(drawn, readyAt)

  // The grid turns to other days by a call and gets its entries as a property: both at once, or it would draw twice.
  useLayoutEffect(() => {
    if (at.current.view !== view || at.current.date !== date) {
      at.current = { view, date }
      grid.current?.getApi().changeView(TYPES[view], date)
    }
    setDrawn(entries)
  }, [view, date, entries])

  useEffect(() => {
    if (!asking) grid.current?.getApi().unselect()
  }, [asking])

  const handlers = useHandlers(props)
  // An option that is new draws every entry anew.
  const options = useMemo(
    (): CalendarOptions => ({
      locale: language() === 'de' ? 'de' : 'en-gb',
      timeZone,
      scrollTime: `${opensAt}:00`,
      snapDuration: { minutes: snapMinutes },
      allDayText: t('allDay'),
      navLinks: view === 'month',
      eventContent: (info: EventDisplayInfo) => entryContent(info, { app, t, timeZone }),
    }),
    [app, t, timeZone, opensAt, snapMinutes, view],
  )

  return (
    <FullCalendar
      {...LOOK}
      {...FIXED}
      {...handlers}
      {...options}
      ref={grid}
      initialView={TYPES[view]}
      initialDate={date}
      events={drawn}
    />
  )
})

/** What the grid calls, the same functions for good. */
function useHandlers(props: Props): CalendarOptions {
  const latest = useRef(props)
  useLayoutEffect(() => {
    latest.current = props
  })
  return useMemo(() => {
    const spot = (info: DateClickInfo | DateSelectInfo, minutes: number | null) => {
      const start = 'date' in info ? info.date : info.start
      const { x, y } = placeOf(info.jsEvent)
      latest.current.onSpot({ starts_at: start.toISOString(), minutes, allDay: info.allDay, x, y })
    }
    const moved = ({ event, revert }: { event: EventApi; revert: () => void }) => {
      const entry = entryOf({ event })
      if (!entry || !event.start) return
      const ends = event.end ?? new Date(event.start.getTime() + usualLength(event.allDay))
      latest.current.onMove({
        entry,
        starts_at: event.start.toISOString(),
        ends_at: ends.toISOString(),
        allDay: event.allDay,
        revert,
      })
    }
    return {
      viewDidMount: ({ el }) => letKeysScroll(el),
      navLinkDayClick: (day) => latest.current.onDay(dateOf(day.toISOString(), latest.current.timeZone)),
      dateClick: (info) => spot(info, null),
      select: (info) => {
        const minutes = (info.end.getTime() - info.start.getTime()) / 60_000
        // A mere click selects one step; `dateClick` tells of it, by touch as well.
        if (minutes > latest.current.snapMinutes && !(info.allDay && minutes <= 25 * 60)) spot(info, minutes)
      },
      eventClick: (info) => {
        info.jsEvent.preventDefault()
        const entry = entryOf(info)
        if (entry) latest.current.onOpen(entry)
      },
      eventDrop: moved,
      eventResize: moved,
    }
  }, [])
}

function usualLength(allDay: boolean): number {
  return (allDay ? 24 * 60 : 60) * 60_000
}

function placeOf(event: MouseEvent | TouchEvent | null): { x: number; y: number } {
  if (event && 'clientX' in event) return { x: event.clientX, y: event.clientY }
  const touch = event && 'changedTouches' in event ? event.changedTouches[0] : undefined
  return touch ? { x: touch.clientX, y: touch.clientY } : { x: window.innerWidth / 2, y: window.innerHeight / 2 }
}

/** A week without sessions holds nothing that takes the focus, and yet it is longer than the screen. */
function letKeysScroll(view: HTMLElement): void {
  for (const part of view.querySelectorAll<HTMLElement>('div[style*="auto"]')) {
    if (part.style.overflowY !== 'auto') continue
    // What takes the focus within a table is a part of it: the rows' group is the one that scrolls, around it (a week) or in it (a month).
    const rows = part.closest('[role="rowgroup"]') ?? part.querySelector('[role="rowgroup"]')
    rows?.setAttribute('role', 'presentation')
    part.setAttribute('role', 'rowgroup')
    part.tabIndex = 0
  }
}

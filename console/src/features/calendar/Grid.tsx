// The grid of days and hours itself.
import '@fullcalendar/react/skeleton.css'
import FullCalendar, {
  type CalendarRef,
  type DateClickInfo,
  type DateSelectInfo,
  type EventApi,
  type EventDisplayInfo,
  type EventInput,
} from '@fullcalendar/react'
import dayGrid from '@fullcalendar/react/daygrid'
import interaction from '@fullcalendar/react/interaction'
import de from '@fullcalendar/react/locales/de'
import en from '@fullcalendar/react/locales/en-gb'
import timeGrid from '@fullcalendar/react/timegrid'
import { memo, useCallback, useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { language } from '~/i18n'
import { dateOf } from '~/i18n/zone'
import { useDrawn } from './drawn'
import { entryClass, entryContent, entryOf } from './EntryContent'
import type { Entry } from './entries'
import { LOOK } from './look'
import type { View } from './views'

const PLUGINS = [timeGrid, dayGrid, interaction]
const LOCALES = [de, en]
const TYPES = { day: 'timeGridDay', week: 'timeGridWeek', month: 'dayGridMonth' } as const
const CLOCK = { hour: '2-digit', minute: '2-digit', hour12: false } as const
const SLOT_MINUTES = 30
const SLOT_HEIGHT = 28

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
  const { view, date, timeZone, snapMinutes, opensAt, entries, readyAt, asking, onSpot, onOpen, onMove, onDay } = props
  const { t } = useTranslation('calendar')
  const { t: app } = useTranslation('app')
  const grid = useRef<CalendarRef>(null)
  const first = useRef({ view, date })
  useDrawn(entries, readyAt)

  useEffect(() => {
    const api = grid.current?.getApi()
    if (!api || (first.current.view === view && first.current.date === date)) return
    first.current = { view, date }
    api.changeView(TYPES[view], date)
  }, [view, date])

  useEffect(() => {
    if (!asking) grid.current?.getApi().unselect()
  }, [asking])

  const content = useCallback((info: EventDisplayInfo) => entryContent(info, { app, t, timeZone }), [app, t, timeZone])
  const spot = (info: DateClickInfo | DateSelectInfo, minutes: number | null) => {
    const at = 'date' in info ? info.date : info.start
    const { x, y } = placeOf(info.jsEvent)
    onSpot({ starts_at: at.toISOString(), minutes, allDay: info.allDay, x, y })
  }
  const moved = (event: EventApi, revert: () => void) => {
    const entry = entryOf({ event })
    if (!entry || !event.start) return
    const ends = event.end ?? new Date(event.start.getTime() + usualLength(event.allDay))
    onMove({
      entry,
      starts_at: event.start.toISOString(),
      ends_at: ends.toISOString(),
      allDay: event.allDay,
      revert,
    })
  }

  return (
    <FullCalendar
      {...LOOK}
      ref={grid}
      plugins={PLUGINS}
      locales={LOCALES}
      locale={language() === 'de' ? 'de' : 'en-gb'}
      timeZone={timeZone}
      initialView={TYPES[view]}
      initialDate={date}
      fixedWeekCount={false}
      height="100%"
      headerToolbar={false}
      headingLevel={2}
      firstDay={1}
      borderless
      nowIndicator
      scrollTime={`${opensAt}:00`}
      scrollTimeReset={false}
      slotDuration={{ minutes: SLOT_MINUTES }}
      slotHeaderInterval={{ hours: 1 }}
      slotHeaderFormat={CLOCK}
      snapDuration={{ minutes: snapMinutes }}
      slotMinHeight={SLOT_HEIGHT}
      eventMinHeight={20}
      eventShortHeight={34}
      slotEventOverlap={false}
      dayMaxEvents
      eventDisplay="block"
      allDayText={t('allDay')}
      navLinks={view === 'month'}
      viewDidMount={({ el }) => letKeysScroll(el)}
      navLinkDayClick={(day) => onDay(dateOf(day.toISOString(), timeZone))}
      events={entries}
      eventContent={content}
      eventClass={entryClass}
      editable
      eventResizableFromStart={false}
      longPressDelay={350}
      selectable
      unselectAuto={false}
      dateClick={(info) => spot(info, null)}
      select={(info) => {
        const minutes = (info.end.getTime() - info.start.getTime()) / 60_000
        // A mere click selects one step; `dateClick` tells of it, by touch as well.
        if (minutes > snapMinutes && !(info.allDay && minutes <= 25 * 60)) spot(info, minutes)
      }}
      eventClick={(info) => {
        info.jsEvent.preventDefault()
        const entry = entryOf(info)
        if (entry) onOpen(entry)
      }}
      eventDrop={(info) => moved(info.event, info.revert)}
      eventResize={(info) => moved(info.event, info.revert)}
    />
  )
})

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
    // What takes the focus within a table is a part of it: the rows' group is the one that scrolls.
    part.closest('[role="rowgroup"]')?.setAttribute('role', 'presentation')
    part.setAttribute('role', 'rowgroup')
    part.tabIndex = 0
  }
}

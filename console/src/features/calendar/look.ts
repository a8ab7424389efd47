// How the grid's own parts look: a theme with no more than this page shows.
import type { CalendarOptions, EventDisplayInfo } from '@fullcalendar/react'
import classes from './Grid.module.css'

const day = (info: { isToday: boolean; isOther?: boolean }) =>
  `${classes.cell} ${info.isToday ? classes.isToday : ''} ${info.isOther ? classes.isOther : ''}`
const slot = (info: { isMinor: boolean }) => `${classes.cell} ${info.isMinor ? classes.minor : ''}`
/** A thin strip for a mouse; a dot that a finger finds where the entry was pressed for long. */
const handle = (info: EventDisplayInfo) =>
  info.isEndResizable ? (info.isSelected ? classes.knob : classes.strip) : undefined

export const LOOK: CalendarOptions = {
  className: classes.grid,
  tableHeaderClass: classes.head,
  dayHeaderRowClass: classes.cell,
  dayRowClass: classes.cell,
  dayHeaderAlign: (info) => (info.inPopover ? 'start' : 'center'),
  dayHeaderClass: (info) => (info.inPopover ? classes.popoverHead : `${classes.cell} ${classes.dayHead}`),
  dayHeaderInnerClass: (info) => `${classes.dayName} ${info.isToday ? classes.dayNameToday : ''}`,
  dayHeaderDividerClass: classes.divider,
  dayCellClass: day,
  dayCellTopClass: classes.dayTop,
  dayCellTopInnerClass: (info) => `${classes.dayNumber} ${info.isToday ? classes.dayNumberToday : ''}`,
  dayCellInnerClass: (info) => (info.inPopover ? classes.popoverBody : undefined),
  dayLaneClass: day,
  dayLaneInnerClass: classes.lane,
  slotLaneClass: slot,
  slotHeaderClass: (info) => `${slot(info)} ${classes.slotHead}`,
  slotHeaderInnerClass: classes.slotText,
  slotHeaderDividerClass: classes.slotDivider,
  allDayHeaderClass: classes.slotHead,
  allDayHeaderInnerClass: classes.slotText,
  allDayDividerClass: classes.divider,
  fillerClass: classes.cell,
  highlightClass: classes.highlight,
  nowIndicatorLineClass: classes.nowLine,
  moreLinkClass: classes.more,
  popoverClass: classes.popover,
  popoverCloseClass: classes.popoverClose,
  popoverCloseContent: '×',
  backgroundEventClass: classes.closed,
  blockEventClass: classes.block,
  columnEventInnerClass: classes.inner,
  rowEventInnerClass: classes.inner,
  columnEventAfterClass: handle,
}

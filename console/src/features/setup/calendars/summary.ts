// A calendar's week in a line: "Mon–Fri 09:00–17:00".
import type { TFunction } from 'i18next'
import type { Calendar } from '~/api/types'
import { WEEKDAYS, type Weekday } from './hours'

export function inShort({ working_hours }: Calendar, t: TFunction<'setup'>): string {
  const of = (weekday: Weekday) =>
    working_hours
      .filter((each) => each.weekday === weekday)
      .map(({ start, end }) => `${start}–${end}`)
      .sort()
      .join(', ')
  const runs: { first: Weekday; last: Weekday; hours: string }[] = []
  for (const weekday of WEEKDAYS) {
    const hours = of(weekday)
    const run = runs.at(-1)
    if (run && run.hours === hours) run.last = weekday
    else runs.push({ first: weekday, last: weekday, hours })
  }
  const named = ({ first, last }: { first: Weekday; last: Weekday }) =>
    first === last ? t(`short_${first}`) : `${t(`short_${first}`)}–${t(`short_${last}`)}`
  const open = runs.filter(({ hours }) => hours)
  return open.length === 0 ? t('neverOpen') : open.map((run) => `${named(run)} ${run.hours}`).join(' · ')
}

// A day, then a time: the month with its free days, and the free times of the chosen one.
import '@mantine/dates/styles.css'
import 'dayjs/locale/de'
import { Button, Skeleton, Text, Title } from '@mantine/core'
import { DatePicker, DatesProvider } from '@mantine/dates'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { language } from '~/i18n'
import { dateOf, today } from '~/i18n/zone'
import classes from './booking.module.css'
import { firstMonthOf, type Month, monthsOn, type Offer, slotsOf } from './slots'
import { Trouble } from './Trouble'
import { clockTime, dateInShort, dateInWords, monthInWords } from './when'

const NOTHING: Month = new Map()

export function SlotPicker({
  offer,
  advanceDays,
  date,
  onDate,
  onTime,
  kept = [],
  chosen,
}: {
  offer: Offer
  /** How far ahead clients may book. */
  advanceDays: number
  date?: string
  onDate: (date: string) => void
  onTime: (start: string) => void
  /** Starts that are free for this visitor alone, as what was kept for them is on its way back. */
  kept?: string[]
  chosen?: string
}) {
  const { t } = useTranslation('booking')
  const queries = useQueryClient()
  const current = today(offer.zone).slice(0, 7)
  const first = useQuery(firstMonthOf(offer, current, advanceDays))
  const [turned, setTurned] = useState<string>()
  const month = turned ?? date?.slice(0, 7) ?? first.data ?? current
  const found = useQuery(slotsOf(offer, month))
  const times = useRef<HTMLElement>(null)

  const following = monthsOn(month, 1)
  const wanted = found.isSuccess && (date === undefined || first.isSuccess)
  useEffect(() => {
    if (wanted) void queries.prefetchQuery(slotsOf(offer, following))
  }, [wanted, following, queries, offer])

  const days = withKept(found.data ?? NOTHING, kept, offer.zone, month)
  const inMonth = date?.startsWith(month) ? date : undefined
  const day = inMonth ?? [...days.keys()].sort()[0]
  const starts = (day && days.get(day)) || []
  const waiting = found.isPending || (first.isPending && !date && !turned)
  const failure = found.error ?? first.error

  if (failure && !found.data)
    return (
      <div className={classes.pickerTrouble}>
        <Trouble
          error={failure}
          onRetry={() => {
            void found.refetch()
            void first.refetch()
          }}
        />
      </div>
    )
  return (
    <>
      <section className={classes.days} aria-label={t('chooseDay')} aria-busy={waiting}>
        <DatesProvider settings={{ locale: language(), firstDayOfWeek: 1, weekendDays: [] }}>
          <DatePicker
            fullWidth
            size="md"
            maxLevel="month"
            hideOutsideDates
            highlightToday
            value={day ?? null}
            onChange={(chosenDay) => {
              if (!chosenDay) return
              setTurned(undefined)
              onDate(chosenDay)
              requestAnimationFrame(() => times.current?.scrollIntoView({ block: 'nearest' }))
            }}
            date={`${month}-01`}
            onDateChange={(shown) => setTurned(shown.slice(0, 7))}
            minDate={`${current}-01`}
            excludeDate={(each) => waiting || !days.has(each)}
            getDayAriaLabel={(each) => {
              const free = days.get(each)?.length
              return free
                ? t('dayWithTimes', { day: dateInWords(each), count: free })
                : t('dayWithout', { day: dateInWords(each) })
            }}
            ariaLabels={{ previousMonth: t('earlierMonth'), nextMonth: t('laterMonth') }}
            className={classes.month}
          />
        </DatesProvider>
        {!waiting && days.size === 0 && <NoneInMonth month={month} first={first.data} onMonth={setTurned} />}
      </section>
      <section ref={times} className={classes.times} aria-label={t('chooseTime')}>
        {waiting ? (
          <Waiting label={t('timesLoading')} />
        ) : (
          <>
            <Title order={2} size="h3" className={classes.timesTitle} aria-live="polite">
              {day ? dateInShort(day) : t('chooseTime')}
            </Title>
            {starts.length === 0 && <Text c="var(--quiet)">{day ? t('noTimesOnDay') : t('chooseDayFirst')}</Text>}
            <ul className={classes.starts} aria-label={day && t('timesOn', { day: dateInWords(day) })}>
              {starts.map((start) => (
                <li key={start}>
                  <Button
                    fullWidth
                    variant={same(start, chosen) ? 'filled' : 'default'}
                    aria-pressed={chosen === undefined ? undefined : same(start, chosen)}
                    onClick={() => onTime(start)}
                  >
                    {clockTime(start, offer.zone)}
                  </Button>
                </li>
              ))}
            </ul>
          </>
        )}
      </section>
    </>
  )
}

function NoneInMonth({
  month,
  first,
  onMonth,
}: {
  month: string
  first: string | null | undefined
  onMonth: (month: string) => void
}) {
  const { t } = useTranslation('booking')
  if (first === null) return <Text mt="md">{t('noTimesAtAll')}</Text>
  const next = first && first > month ? first : undefined
  return (
    <div role="status">
      <Text mt="md" mb="sm">
        {t('noTimesInMonth', { month: monthInWords(month) })}
      </Text>
      {next && (
        <Button variant="default" onClick={() => onMonth(next)}>
          {t('toMonth', { month: monthInWords(next) })}
        </Button>
      )}
    </div>
  )
}

function Waiting({ label }: { label: string }) {
  return (
    <div role="status" aria-label={label}>
      {[0, 1, 2, 3, 4, 5].map((n) => (
        <Skeleton key={n} height={36} mb="sm" animate={false} />
      ))}
    </div>
  )
}

/** The free times, and those that are free for this visitor alone. */
function withKept(found: Month, kept: string[], zone: string, month: string): Month {
  const here = kept.filter((start) => dateOf(start, zone).startsWith(month))
  if (here.length === 0) return found
  const days = new Map(found)
  for (const start of here) {
    const day = dateOf(start, zone)
    const others = (days.get(day) ?? []).filter((other) => !same(other, start))
    days.set(
      day,
      [...others, start].sort((one, other) => Date.parse(one) - Date.parse(other)),
    )
  }
  return days
}

function same(one: string, other: string | undefined): boolean {
  return other !== undefined && Date.parse(one) === Date.parse(other)
}

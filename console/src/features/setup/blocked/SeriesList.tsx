// Everything that recurs: sessions and blocked time, each with its rule in words.
import { Skeleton, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { body, everything, scheduling } from '~/api/client'
import { useSessionTypes, useTimeZone } from '~/app/account'
import { dayAndTime } from '~/i18n/format'
import { Failure } from '~/ui/Failure'
import { Part } from '../parts/Part'
import rows from '../parts/Rows.module.css'
import { ruleInWords } from './recurrence'
import { type Head, titleOf } from './series'

export function SeriesList({ onOpen }: { onOpen: (id: string) => void }) {
  const { t } = useTranslation('setup')
  const series = useQuery({
    queryKey: ['series'],
    queryFn: () =>
      everything((cursor) => body(scheduling.GET('/v1/series', { params: { query: { limit: 200, cursor } } }))),
  })
  return (
    <Part title={t('series')} hint={t('seriesHint')}>
      {series.isPending && <Skeleton h={112} />}
      {series.isError && <Failure error={series.error} onRetry={() => void series.refetch()} />}
      {series.data?.length === 0 && (
        <Text size="sm" c="var(--quiet)">
          {t('noSeries')}
        </Text>
      )}
      {series.data && series.data.length > 0 && (
        <ul className={rows.rows}>
          {series.data.map((each) => (
            <Row key={each.id} series={each} onOpen={() => onOpen(each.id)} />
          ))}
        </ul>
      )}
    </Part>
  )
}

function Row({ series, onOpen }: { series: Head; onOpen: () => void }) {
  const { t } = useTranslation('setup')
  const timeZone = useTimeZone()
  const types = useSessionTypes().data ?? []
  const { starts_at } = series.template
  return (
    <li className={rows.row}>
      <div className={rows.name}>
        <button type="button" onClick={onOpen}>
          {titleOf(series, types, t)}
        </button>
        <div className={rows.more}>
          {t(`series_${series.kind}`)} · {ruleInWords(series.rrule, t)}
        </div>
      </div>
      <div className={rows.figures}>
        {typeof starts_at === 'string' && t('fromDay', { day: dayAndTime(starts_at, timeZone) })}
      </div>
    </li>
  )
}

// One series: what of it is to come, and the way to end it.
import { Anchor, Button, Group, List, Skeleton, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { body, clients, scheduling } from '~/api/client'
import { Problem } from '~/api/problem'
import { useSessionTypes, useTimeZone } from '~/app/account'
import { dayAndTime } from '~/i18n/format'
import { Failure } from '~/ui/Failure'
import { SideDrawer } from '~/ui/SideDrawer'
import { Refusal } from '../parts/Refusal'
import { seen, useSaving } from '../parts/saving'
import { ruleInWords } from './recurrence'
import { titleOf } from './series'

const SHOWN = 12

type Decision = 'refund' | 'skip'

export default function SeriesDrawer({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation('setup')
  const timeZone = useTimeZone()
  const types = useSessionTypes().data ?? []
  const [asking, setAsking] = useState(false)
  const series = useQuery({
    queryKey: ['series', id],
    queryFn: () => body(scheduling.GET('/v1/series/{series_id}', { params: { path: { series_id: id } } })),
  })
  const { data } = series
  const clientId = typeof data?.template.client_id === 'string' ? data.template.client_id : undefined
  const client = useQuery({
    queryKey: ['client', clientId],
    queryFn: () => body(clients.GET('/v1/clients/{client_id}', { params: { path: { client_id: String(clientId) } } })),
    enabled: clientId !== undefined,
    retry: false,
  })
  const ending = useSaving(
    ({ version, refund }: { version: number; refund?: Decision }) =>
      body(
        scheduling.DELETE('/v1/series/{series_id}', {
          params: { path: { series_id: id }, query: { refund }, header: seen(version) },
        }),
      ),
    { keys: [['series'], ['blocked-times'], ['sessions']], words: t('seriesEnded'), onSaved: onClose },
  )
  const decide = ending.error instanceof Problem && ending.error.code === 'refund_decision_required'
  const coming = data?.occurrences.filter(({ starts_at, result }) => result === 'created' && isToCome(starts_at)) ?? []
  const end = (refund?: Decision) => data && ending.mutate({ version: data.version, refund })
  return (
    <SideDrawer opened onClose={onClose} title={data ? titleOf(data, types, t) : t('series')}>
      {series.isPending && <Skeleton h={160} />}
      {series.isError && <Failure error={series.error} onRetry={() => void series.refetch()} />}
      {data && (
        <Stack gap="md">
          <div>
            {client.data && (
              <Anchor component={Link} href={`/clients/${client.data.id}`}>
                {client.data.name}
              </Anchor>
            )}
            <Text>{ruleInWords(data.rrule, t)}</Text>
          </div>
          <Text size="sm" fw={600}>
            {t('coming', { count: coming.length })}
          </Text>
          <List size="sm" spacing={4}>
            {coming.slice(0, SHOWN).map(({ starts_at, session_id }) => (
              <List.Item key={starts_at}>
                {session_id ? (
                  <Anchor component={Link} href={`/calendar?session=${session_id}`}>
                    {dayAndTime(starts_at, timeZone)}
                  </Anchor>
                ) : (
                  dayAndTime(starts_at, timeZone)
                )}
              </List.Item>
            ))}
          </List>
          {!decide && <Refusal error={ending.error} />}
          {!asking && coming.length > 0 && (
            <Group>
              <Button variant="subtle" color="red" px="sm" onClick={() => setAsking(true)}>
                {t('endSeries')}
              </Button>
            </Group>
          )}
          {asking && (
            <div>
              <Text size="sm" mb="sm" role="alert">
                {decide ? t('endSeriesPaid') : t(`endSeriesHint_${data.kind}`, { count: coming.length })}
              </Text>
              <Group gap="sm">
                <Button variant="default" onClick={() => setAsking(false)} ref={(button) => button?.focus()}>
                  {t('app:cancel')}
                </Button>
                {decide ? (
                  <>
                    <Button loading={ending.isPending} onClick={() => end('refund')}>
                      {t('endWithRefund')}
                    </Button>
                    <Button variant="outline" color="red" loading={ending.isPending} onClick={() => end('skip')}>
                      {t('endWithoutRefund')}
                    </Button>
                  </>
                ) : (
                  <Button color="red" loading={ending.isPending} onClick={() => end()}>
                    {t('endSeries')}
                  </Button>
                )}
              </Group>
            </div>
          )}
        </Stack>
      )}
    </SideDrawer>
  )
}

function isToCome(starts_at: string): boolean {
  return new Date(starts_at).getTime() > Date.now()
}

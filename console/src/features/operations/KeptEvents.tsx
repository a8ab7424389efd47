// Events that a person has to look at: those parked, or dead letters, of all services.
import { Button, Group, Table, Text } from '@mantine/core'
import { useMutation, useQueries, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { body, idempotencyKey, operations } from '~/api/client'
import type { Service } from '~/api/problem'
import { useTimeZone } from '~/app/account'
import { dayAndTime } from '~/i18n/format'
import { done, failed } from '~/ui/toast'
import { deadOf, type Kept, operationsKey, parkedOf, SERVICES } from './looking'
import classes from './operations.module.css'
import { Sideways } from './Sideways'

type Kind = 'parked' | 'dead'

export function KeptEvents({ kind }: { kind: Kind }) {
  const { t } = useTranslation('operations')
  const found = useQueries({ queries: SERVICES.map((service) => (kind === 'parked' ? parkedOf : deadOf)(service)) })
  const entries = SERVICES.flatMap((service, n) => found[n]?.data?.data.map((entry) => ({ service, entry })) ?? [])
  const more = found.some(({ data }) => data?.next_cursor)
  return (
    <>
      <Text size="sm" c="var(--quiet)" mb="sm">
        {t(`${kind}Hint`)}
      </Text>
      {entries.length === 0 ? (
        <Text size="sm">{t(`${kind}None`)}</Text>
      ) : (
        <Sideways label={t(kind)}>
          <Table verticalSpacing="sm" aria-label={t(kind)}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('event')}</Table.Th>
                <Table.Th>{t('subject')}</Table.Th>
                <Table.Th>{t('received')}</Table.Th>
                <Table.Th>{t('error')}</Table.Th>
                <Table.Th>{t('actions')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {entries.map(({ service, entry }) => (
                <Row
                  key={`${service} ${entry.event_id} ${entry.handler}`}
                  kind={kind}
                  service={service}
                  entry={entry}
                />
              ))}
            </Table.Tbody>
          </Table>
        </Sideways>
      )}
      {more && <Text size="sm">{t('moreKept', { count: entries.length })}</Text>}
    </>
  )
}

function Row({ kind, service, entry }: { kind: Kind; service: Service; entry: Kept }) {
  const { t } = useTranslation(['operations', 'app'])
  const zone = useTimeZone()
  const name = entry.type ?? t('unknownEvent')
  return (
    <Table.Tr>
      <Table.Td className={classes.top}>
        <strong>{name}</strong>
        <br />
        <span className={classes.quiet}>
          {t(`app:service_${service}`)} · {t('attempts')}: {entry.attempts}
        </span>
      </Table.Td>
      <Table.Td className={classes.top}>
        {entry.subject?.startsWith('ses_') ? (
          <Link href={`/operations?subject=${entry.subject}`} className={classes.id}>
            {entry.subject}
          </Link>
        ) : (
          <span className={classes.id}>{entry.subject}</span>
        )}
      </Table.Td>
      <Table.Td className={classes.top}>{dayAndTime(entry.received_at, zone)}</Table.Td>
      <Table.Td className={classes.top}>
        <code className={classes.error}>{entry.error}</code>
      </Table.Td>
      <Table.Td className={classes.top}>
        <Actions kind={kind} service={service} entry={entry} name={name} />
      </Table.Td>
    </Table.Tr>
  )
}

function Actions({ kind, service, entry, name }: { kind: Kind; service: Service; entry: Kept; name: string }) {
  const { t } = useTranslation('operations')
  const queries = useQueryClient()
  const [sure, setSure] = useState(false)
  const after = () => queries.invalidateQueries({ queryKey: operationsKey(service) })
  const request = { params: { path: { event_id: entry.event_id }, header: idempotencyKey() }, body: {} }
  const again = useMutation({
    mutationFn: () =>
      body(
        kind === 'parked'
          ? operations[service].POST('/v1/ops/inbox/{event_id}/retry', request)
          : operations[service].POST('/v1/ops/dead/{event_id}/requeue', request),
      ),
    onSuccess: () => done(t('retried', { event: name })),
    onError: failed,
    onSettled: after,
  })
  const discard = useMutation({
    mutationFn: () => body(operations[service].POST('/v1/ops/inbox/{event_id}/discard', request)),
    onSuccess: () => done(t('discarded', { event: name })),
    onError: failed,
    onSettled: after,
  })
  const named = (action: string) => t('ofEvent', { action, event: name, subject: entry.subject ?? entry.event_id })
  if (sure)
    return (
      <Group gap="sm" wrap="nowrap">
        <Button size="xs" color="red.9" loading={discard.isPending} onClick={() => discard.mutate()}>
          {t('discardReally')}
        </Button>
        <Button size="xs" variant="default" onClick={() => setSure(false)}>
          {t('keep')}
        </Button>
      </Group>
    )
  const first = t(kind === 'parked' ? 'retry' : 'requeue')
  return (
    <Group gap="sm" wrap="nowrap">
      <Button
        size="xs"
        variant="default"
        aria-label={named(first)}
        loading={again.isPending}
        onClick={() => again.mutate()}
      >
        {first}
      </Button>
      <Button size="xs" variant="default" aria-label={named(t('discard'))} onClick={() => setSure(true)}>
        {t('discard')}
      </Button>
    </Group>
  )
}

// The services side by side: does each answer, and does anything lie about in it.
import { Table, Tooltip } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem, type Service } from '~/api/problem'
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconPlugConnectedX } from '~/ui/icons'
import { deadOf, invariantsOf, keptOf, outboxOf, parkedOf, SERVICES } from './looking'
import classes from './operations.module.css'
import { Sideways } from './Sideways'
import { length } from './spans'

export function Overview() {
  const { t } = useTranslation('operations')
  return (
    <Sideways label={t('services')}>
      <Table aria-label={t('services')}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('service')}</Table.Th>
            <Table.Th>{t('state')}</Table.Th>
            <Table.Th>{t('outbox')}</Table.Th>
            <Table.Th>
              <Tooltip label={t('inboxHint')} multiline w={256}>
                <span>{t('inbox')}</span>
              </Tooltip>
            </Table.Th>
            <Table.Th>{t('parked')}</Table.Th>
            <Table.Th>{t('dead')}</Table.Th>
            <Table.Th>{t('invariants')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {SERVICES.map((service) => (
            <Row key={service} service={service} />
          ))}
        </Table.Tbody>
      </Table>
    </Sideways>
  )
}

function Row({ service }: { service: Service }) {
  const { t } = useTranslation(['operations', 'app'])
  const [outbox, kept, parked, dead, invariants] = useQueries({
    queries: [outboxOf(service), keptOf(service), parkedOf(service), deadOf(service), invariantsOf(service)],
  })
  const error = [outbox, kept, parked, dead, invariants].find((each) => each.isError)?.error
  const unpublished = outbox.isError ? undefined : outbox.data
  const entries = kept.isError ? undefined : kept.data?.data
  const rules = invariants.isError ? undefined : invariants.data?.data
  const broken = rules?.filter(({ violations }) => violations > 0).length ?? 0
  const waiting = entries?.filter(({ status }) => status === 'waiting').length ?? 0
  const tried = entries?.filter(({ status }) => status === 'pending' || status === 'running').length ?? 0
  return (
    <Table.Tr>
      <Table.Th scope="row">{t(`app:service_${service}`)}</Table.Th>
      <Table.Td>
        <State error={error} known={outbox.data !== undefined} />
      </Table.Td>
      <Table.Td>
        {unpublished &&
          (unpublished.unpublished === 0
            ? t('outboxNone')
            : t('outboxSome', {
                count: unpublished.unpublished,
                age: length(t, unpublished.oldest_age_seconds * 1000),
              }))}
      </Table.Td>
      <Table.Td>{entries && (waiting + tried === 0 ? t('inboxNone') : t('inboxSome', { tried, waiting }))}</Table.Td>
      <Table.Td>
        <Count page={parked.isError ? undefined : parked.data} />
      </Table.Td>
      <Table.Td>
        <Count page={dead.isError ? undefined : dead.data} />
      </Table.Td>
      <Table.Td>
        {rules &&
          (broken ? (
            <Mark icon={<IconAlertTriangle {...ICON} />} trouble>
              {t('someBroken', { broken, count: rules.length })}
            </Mark>
          ) : (
            t('allHold', { count: rules.length })
          ))}
      </Table.Td>
    </Table.Tr>
  )
}

function State({ error, known }: { error?: Error | null; known: boolean }) {
  const { t } = useTranslation('operations')
  if (error instanceof Problem && !error.down)
    return (
      <Mark icon={<IconAlertTriangle {...ICON} />} trouble>
        {t('refused', { why: error.message })}
      </Mark>
    )
  if (error)
    return (
      <Mark icon={<IconPlugConnectedX {...ICON} />} trouble>
        {t('down')}
      </Mark>
    )
  return known ? (
    <Mark icon={<IconCircleCheck {...ICON} />}>{t('up')}</Mark>
  ) : (
    <Mark icon={<IconCircleDashed {...ICON} />}>{t('asking')}</Mark>
  )
}

function Count({ page }: { page?: { data: unknown[]; next_cursor: string | null } }) {
  if (!page) return null
  const { length: count } = page.data
  if (count === 0) return '0'
  return (
    <Mark icon={<IconAlertTriangle {...ICON} />} trouble>
      {`${count}${page.next_cursor ? '+' : ''}`}
    </Mark>
  )
}

const ICON = { size: 16, stroke: 1.8, 'aria-hidden': true } as const

function Mark({ icon, trouble = false, children }: { icon: ReactNode; trouble?: boolean; children: ReactNode }) {
  return (
    <span className={trouble ? classes.trouble : classes.mark}>
      {icon}
      {children}
    </span>
  )
}

// A journey in words, for those who cannot see the drawing and those who want to know more.
import { Table } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useTimeZone } from '~/app/account'
import { day } from '~/i18n/format'
import { type Journey, latency, type Passage, type Step, troubled } from './journeys'
import classes from './operations.module.css'
import { Sideways } from './Sideways'
import { length } from './spans'
import { preciseTime } from './times'

export function JourneyTable({ journey }: { journey: Journey }) {
  const { t } = useTranslation('operations')
  return (
    <Sideways label={t('table')}>
      <Table aria-label={t('table')}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('at')}</Table.Th>
            <Table.Th>{t('event')}</Table.Th>
            <Table.Th>{t('published')}</Table.Th>
            <Table.Th>{t('handled')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {journey.passages.map((passage) => (
            <Row key={passage.id} passage={passage} />
          ))}
        </Table.Tbody>
      </Table>
    </Sideways>
  )
}

function Row({ passage }: { passage: Passage }) {
  const { t } = useTranslation(['operations', 'app'])
  const zone = useTimeZone()
  const { published, handled } = passage
  return (
    <Table.Tr>
      <Table.Td className={classes.top}>
        {preciseTime(passage.at, zone)}
        <br />
        <span className={classes.quiet}>{day(passage.at, zone)}</span>
      </Table.Td>
      <Table.Td className={classes.top}>
        <strong>{passage.type}</strong>
        <br />
        <span className={classes.id}>{passage.subject}</span>
      </Table.Td>
      <Table.Td className={classes.top}>
        {published ? t(`app:service_${published.service}`) : t('notRemembered')}
        {published && !published.published_at && <div className={classes.trouble}>{t('notPublished')}</div>}
        {published?.error && <code className={classes.error}>{published.error}</code>}
      </Table.Td>
      <Table.Td className={classes.top}>
        {handled.length === 0 && t('nobody')}
        {handled.map((step) => (
          <Handled key={`${step.service} ${step.handler}`} passage={passage} step={step} />
        ))}
      </Table.Td>
    </Table.Tr>
  )
}

function Handled({ passage, step }: { passage: Passage; step: Step }) {
  const { t } = useTranslation(['operations', 'app'])
  const late = latency(passage, step)
  return (
    <div>
      {t(`app:service_${step.service}`)}
      {late !== undefined && ` · ${length(t, late)}`} ·{' '}
      <span className={troubled(step) ? classes.trouble : classes.quiet}>{t(`status_${step.status}`)}</span>
      {step.attempts > 1 && ` · ${t('attempts')}: ${step.attempts}`}
      {step.error && <code className={classes.error}>{step.error}</code>}
    </div>
  )
}

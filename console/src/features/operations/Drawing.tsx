// A journey drawn: a lane for each service, a line for each event from who published it to who handled it.
import type { TFunction } from 'i18next'
import { useTranslation } from 'react-i18next'
import type { Service } from '~/api/problem'
import { useTimeZone } from '~/app/account'
import { day } from '~/i18n/format'
import { type Journey, latency, moment, type Passage, troubled } from './journeys'
import { SERVICES } from './looking'
import classes from './operations.module.css'
import { Sideways } from './Sideways'
import { length } from './spans'
import { preciseTime } from './times'

const LABELS = 216
const LANE = 168
const ROW = 48
const GAP = 32
const HEAD = 40
/** What counts as a pause between two events. */
const PAUSE_MS = 1000

export function Drawing({ journey }: { journey: Journey }) {
  const { t } = useTranslation(['operations', 'app'])
  const zone = useTimeZone()
  let y = HEAD
  const rows = journey.passages.map((passage, n) => {
    const before = journey.passages[n - 1]
    const pause = before ? moment(passage.at) - moment(before.at) : 0
    const note =
      before === undefined ? day(passage.at, zone) : pause >= PAUSE_MS ? t('later', { span: length(t, pause) }) : ''
    if (note) y += GAP
    const top = y
    y += ROW
    return { passage, note, top }
  })
  const width = LABELS + LANE * SERVICES.length
  return (
    <Sideways label={t('drawing')}>
      <svg className={classes.drawing} width={width} height={y} viewBox={`0 0 ${width} ${y}`} aria-hidden="true">
        {SERVICES.map((service) => (
          <g key={service}>
            <text x={lane(service)} y={20} textAnchor="middle" className={classes.laneName}>
              {t(`app:service_${service}`)}
            </text>
            <line x1={lane(service)} x2={lane(service)} y1={HEAD - 8} y2={y} className={classes.lane} />
          </g>
        ))}
        {rows.map(({ passage, note, top }) => (
          <g key={passage.id}>
            {note && (
              <text x={0} y={top - 4} className={classes.note}>
                {note}
              </text>
            )}
            <Hops passage={passage} y={top + ROW / 2} zone={zone} t={t} />
          </g>
        ))}
      </svg>
    </Sideways>
  )
}

function Hops({ passage, y, zone, t }: { passage: Passage; y: number; zone: string; t: TFunction }) {
  const places = [passage.published, ...passage.handled].flatMap((step) => (step ? [lane(step.service)] : []))
  return (
    <>
      <text x={0} y={y - 2} className={classes.eventName}>
        {passage.type}
      </text>
      <text x={0} y={y + 14} className={classes.note}>
        {preciseTime(passage.at, zone)}
      </text>
      <line x1={Math.min(...places)} x2={Math.max(...places)} y1={y} y2={y} className={classes.hop} />
      {passage.handled.map((step) => {
        const x = lane(step.service)
        const late = latency(passage, step)
        const trouble = troubled(step)
        return (
          <g key={`${step.service} ${step.handler}`} className={trouble ? classes.troubledHop : classes.handledHop}>
            <title>{`${passage.type} → ${step.handler ?? step.service}: ${t(`operations:status_${step.status}`)}`}</title>
            {trouble ? <path d={`M${x - 6} ${y - 6}l12 12m0 -12l-12 12`} /> : <circle cx={x} cy={y} r={6} />}
            <text x={x + 10} y={y - 6} className={classes.note}>
              {trouble ? t(`operations:status_${step.status}`) : late === undefined ? '' : length(t, late)}
            </text>
          </g>
        )
      })}
      {passage.published && (
        <g className={classes.publishedHop}>
          <title>{`${passage.type} · ${t(`operations:status_${passage.published.status}`)}`}</title>
          <rect x={lane(passage.published.service) - 6} y={y - 6} width={12} height={12} rx={2} />
        </g>
      )}
    </>
  )
}

function lane(service: Service): number {
  return LABELS + LANE * (SERVICES.indexOf(service) + 0.5)
}

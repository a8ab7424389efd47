// Shares as steps that fall towards the start; the figures stand in the table below it.
import { useTranslation } from 'react-i18next'
import { percent } from '~/i18n/format'
import classes from './Payments.module.css'

type Step = { hours: number; percentage: number }

const WIDTH = 360
const TOP = 24
const GROUND = 136
const LABELS = 160

export function StepChart({ steps }: { steps: Step[] }) {
  const { t } = useTranslation('setup')
  const width = WIDTH / Math.max(steps.length, 1)
  const height = (percentage: number) => GROUND - ((GROUND - TOP) * percentage) / 100
  const line = steps
    .map(({ percentage }, index) => `${index ? 'L' : 'M'}${index * width} ${height(percentage)}h${width}`)
    .join('')
  return (
    <svg viewBox={`0 0 ${WIDTH} ${LABELS + 8}`} className={classes.chart} role="img" aria-label={t('chart')}>
      <path d={`${line}V${GROUND}H0Z`} className={classes.area} />
      <path d={line} className={classes.line} />
      <path d={`M0 ${GROUND}H${WIDTH}`} className={classes.axis} />
      {steps.map(({ hours, percentage }, index) => (
        <g key={hours} className={classes.label} textAnchor="middle">
          <text x={(index + 0.5) * width} y={height(percentage) - 8}>
            {percent(percentage / 100)}
          </text>
          <text x={(index + 0.5) * width} y={LABELS}>
            {hours} {t('h')}
          </text>
        </g>
      ))}
    </svg>
  )
}

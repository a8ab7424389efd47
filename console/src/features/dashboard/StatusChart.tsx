// Sessions by status as quiet bars. The table beside it says the same, so that it is hidden from screen readers.
import '@mantine/charts/styles.css'
import { BarChart } from '@mantine/charts'
import { useTranslation } from 'react-i18next'
import classes from './dashboard.module.css'

export default function StatusChart({ bars }: { bars: { word: string; count: number }[] }) {
  const { t } = useTranslation('dashboard')
  return (
    <div aria-hidden className={classes.chart}>
      <BarChart
        h={200}
        data={bars}
        dataKey="word"
        series={[{ name: 'count', label: t('sessions'), color: 'var(--mantine-primary-color-filled)' }]}
        withYAxis={false}
        gridAxis="none"
        tickLine="none"
        maxBarWidth={48}
        withBarValueLabel
        withTooltip={false}
        barProps={{ radius: [4, 4, 0, 0], isAnimationActive: false }}
        // Nothing in it is to be reached by the keyboard.
        barChartProps={{ accessibilityLayer: false }}
      />
    </div>
  )
}

// Sessions by status as quiet bars, each beside its row of the table that says the same in words: hidden from screen readers.
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
        orientation="vertical"
        withXAxis={false}
        withYAxis={false}
        gridAxis="none"
        tickLine="none"
        maxBarWidth={16}
        withTooltip={false}
        barProps={{ radius: [0, 4, 4, 0], isAnimationActive: false }}
        // Nothing in it is to be reached by the keyboard.
        barChartProps={{ accessibilityLayer: false, margin: { top: 0, right: 0, bottom: 0, left: 0 } }}
      />
    </div>
  )
}

// How something repeats, and when that ends.
import { NumberInput, Select, SimpleGrid } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { DateField } from './DateField'
import type { Repeat, Rhythm } from './recurrence'
import './words'

type Props = {
  value: Repeat
  onChange: (repeat: Repeat) => void
  rhythms: readonly Rhythm[]
  earliest: string
  /** Whether it may go on without an end. */
  endless?: boolean
  error?: string
}

export function RepeatFields({ value, onChange, rhythms, earliest, endless = false, error }: Props) {
  const { t } = useTranslation('newsession')
  const set = (fields: Partial<Repeat>) => onChange({ ...value, ...fields })
  const ends = endless ? (['never', 'count', 'date'] as const) : (['count', 'date'] as const)
  return (
    <>
      <Select
        label={t('repeat')}
        value={value.rhythm}
        onChange={(rhythm) => set({ rhythm: rhythms.find((one) => one === rhythm) ?? 'none' })}
        data={rhythms.map((one) => ({ value: one, label: t(`repeat_${one}`) }))}
        allowDeselect={false}
        error={error}
      />
      {value.rhythm !== 'none' && (
        <SimpleGrid cols={2} spacing="sm">
          <Select
            label={t('endsBy')}
            value={value.endsBy}
            onChange={(endsBy) => set({ endsBy: ends.find((one) => one === endsBy) ?? 'count' })}
            data={ends.map((one) => ({ value: one, label: t(`endsBy_${one}`) }))}
            allowDeselect={false}
          />
          {value.endsBy === 'count' && (
            <NumberInput
              label={t('count')}
              value={value.count}
              onChange={(count) => set({ count: Number(count) || 2 })}
              min={2}
              max={100}
              clampBehavior="blur"
              allowDecimal={false}
            />
          )}
          {value.endsBy === 'date' && (
            <DateField label={t('until')} value={value.until} onChange={(until) => set({ until })} min={earliest} />
          )}
        </SimpleGrid>
      )}
    </>
  )
}

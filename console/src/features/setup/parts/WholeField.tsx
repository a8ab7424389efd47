// A whole number with its unit; empty while nothing is typed.
import { NumberInput, type NumberInputProps } from '@mantine/core'
import { Unit } from './Unit'

type Props = Omit<NumberInputProps, 'value' | 'onChange'> & {
  value?: number | ''
  onChange?: (value: number | '') => void
  unit?: string
}

export function WholeField({ value, onChange, unit, ...props }: Props) {
  return (
    <NumberInput
      {...props}
      value={value}
      onChange={(typed) => onChange?.(typed === '' ? '' : Number(typed))}
      allowDecimal={false}
      allowNegative={false}
      clampBehavior="none"
      {...(unit && { rightSection: <Unit>{unit}</Unit>, rightSectionWidth: 56, hideControls: true })}
    />
  )
}

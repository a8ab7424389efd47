// An amount as people type it; kept in minor units, as the services take it.
import { NumberInput, type NumberInputProps } from '@mantine/core'
import { useState } from 'react'
import { language } from '~/i18n'
import { digits } from '~/i18n/format'
import { Unit } from './Unit'

type Props = Omit<NumberInputProps, 'value' | 'onChange'> & {
  currency: string
  /** minor units, null where nothing is typed */
  amount: number | null
  onAmount: (amount: number | null) => void
}

export function MoneyField({ currency, amount, onAmount, ...props }: Props) {
  const unit = 10 ** digits(currency)
  const minor = (typed: string | number) => (typed === '' ? null : Math.round(Number(typed) * unit))
  // What was typed stays as it was typed ("12."), while it means the amount that is kept.
  const [typed, setTyped] = useState<string | number>('')
  return (
    <NumberInput
      {...props}
      value={minor(typed) === amount ? typed : amount === null ? '' : amount / unit}
      onChange={(value) => {
        setTyped(value)
        onAmount(minor(value))
      }}
      decimalScale={digits(currency)}
      decimalSeparator={language() === 'de' ? ',' : '.'}
      allowedDecimalSeparators={[',', '.']}
      allowNegative={false}
      hideControls
      rightSection={<Unit>{currency}</Unit>}
      rightSectionWidth={56}
      rightSectionPointerEvents="none"
    />
  )
}

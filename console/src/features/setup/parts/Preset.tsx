// A number that is mostly one of a few, and may be any other.
import { NativeSelect } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import classes from './Preset.module.css'
import { WholeField } from './WholeField'

const OTHER = 'other'

export function Preset({
  label,
  description,
  unit,
  usual,
  value,
  onChange,
  error,
  min,
  max,
}: {
  label: string
  description?: ReactNode
  unit: string
  usual: { value: number; label: string }[]
  value: number | ''
  onChange: (value: number | '') => void
  error?: ReactNode
  min?: number
  max?: number
}) {
  const { t } = useTranslation('setup')
  const [other, setOther] = useState(false)
  const own = other || !usual.some((each) => each.value === value)
  return (
    <div className={classes.preset}>
      <NativeSelect
        label={label}
        description={description}
        value={own ? OTHER : String(value)}
        data={[
          ...usual.map((each) => ({ value: String(each.value), label: each.label })),
          { value: OTHER, label: t('otherNumber') },
        ]}
        onChange={({ currentTarget: { value: chosen } }) => {
          setOther(chosen === OTHER)
          if (chosen !== OTHER) onChange(Number(chosen))
        }}
        error={own ? undefined : error}
      />
      {own && (
        <WholeField
          aria-label={t('otherOf', { label, unit })}
          unit={unit}
          value={value}
          onChange={onChange}
          error={error}
          min={min}
          max={max}
        />
      )}
    </div>
  )
}

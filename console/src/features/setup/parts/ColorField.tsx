// A colour to tell things apart by: one of ten with a name, or any other.
import { Input } from '@mantine/core'
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import { IconCheck } from '~/ui/icons'
import classes from './ColorField.module.css'

const PALETTE = {
  blue: '#2f6fed',
  indigo: '#4f46b8',
  violet: '#7c3aed',
  pink: '#c2357f',
  red: '#c93434',
  orange: '#c4560f',
  amber: '#8f6a00',
  green: '#2b7a3f',
  teal: '#0f766e',
  grey: '#5b6472',
} as const

export const FIRST_COLOR = PALETTE.blue

export function ColorField({ value, onChange }: { value: string; onChange: (color: string) => void }) {
  const { t } = useTranslation('setup')
  const name = useId()
  const own = !Object.values(PALETTE).some((color) => color === value)
  return (
    <fieldset className={classes.group}>
      <Input.Label component="legend" p={0}>
        {t('color')}
      </Input.Label>
      <div className={classes.swatches}>
        {Object.entries(PALETTE).map(([word, color]) => (
          <label key={word} className={classes.swatch} title={t(`color_${word}`)}>
            <input
              type="radio"
              name={name}
              aria-label={t(`color_${word}`)}
              checked={value === color}
              onChange={() => onChange(color)}
              style={{ background: color }}
            />
            {value === color && <IconCheck size={18} stroke={2.4} aria-hidden />}
          </label>
        ))}
        <label className={classes.own}>
          <input
            type="color"
            value={/^#[0-9a-f]{6}$/i.test(value) ? value : FIRST_COLOR}
            onChange={(event) => onChange(event.currentTarget.value)}
          />
          <span data-chosen={own || undefined}>{t('color_own')}</span>
        </label>
      </div>
    </fieldset>
  )
}

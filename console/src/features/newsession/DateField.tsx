// A date: picked, or typed as people write dates here.
import '@mantine/dates/styles.css'
import 'dayjs/locale/de'
import { DateInput } from '@mantine/dates'
import { useTranslation } from 'react-i18next'
import { language } from '~/i18n'

type Props = {
  label: string
  value: string
  onChange: (date: string) => void
  min?: string
  error?: string
}

export function DateField({ label, value, onChange, min, error }: Props) {
  // Asked so that the field follows a change of the language.
  useTranslation()
  const locale = language()
  return (
    <DateInput
      label={label}
      value={value || null}
      onChange={(date) => onChange(date ?? '')}
      minDate={min}
      locale={locale}
      valueFormat={(date) => written(date, locale)}
      dateParser={(typed) => read(typed)}
      popoverProps={{ withinPortal: true }}
      autoComplete="off"
      error={error}
    />
  )
}

function written(date: string, locale: 'en' | 'de'): string {
  return new Intl.DateTimeFormat(locale === 'de' ? 'de-DE' : 'en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    timeZone: 'UTC',
  }).format(new Date(`${date.slice(0, 10)}T12:00:00Z`))
}

/** "2026-12-01", "1.12.2026", "1.12.", "1/12/2026"; null where it is none of these. */
function read(typed: string): string | null {
  const iso = /^\s*(\d{4})-(\d{1,2})-(\d{1,2})\s*$/.exec(typed)
  const usual = /^\s*(?:\p{L}+\.?,?\s+)?(\d{1,2})[./\s]\s?(\d{1,2})(?:[./\s]\s?(\d{2}|\d{4})?)?\s*$/u.exec(typed)
  if (iso) return real(Number(iso[1]), Number(iso[2]), Number(iso[3]))
  if (!usual) return null
  const year = usual[3] ? Number(usual[3]) : new Date().getFullYear()
  return real(year < 100 ? 2000 + year : year, Number(usual[2]), Number(usual[1]))
}

function real(year: number, month: number, day: number): string | null {
  const at = new Date(Date.UTC(year, month - 1, day))
  if (at.getUTCMonth() !== month - 1) return null
  return at.toISOString().slice(0, 10)
}

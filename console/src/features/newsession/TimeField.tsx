// A time of the day: typed freely or picked from a list, 24 hours.
import { Autocomplete } from '@mantine/core'
import { useEffect, useMemo, useState } from 'react'
import { readTime, times } from './clock'

type Props = {
  label: string
  value: string
  /** Called with "HH:MM", or with what was typed where that is no time. */
  onChange: (value: string) => void
  every: number
  error?: string | boolean
}

export function TimeField({ label, value, onChange, every, error }: Props) {
  const [typed, setTyped] = useState(value)
  const [filtered, setFiltered] = useState(false)
  const all = useMemo(() => times(every), [every])
  useEffect(() => setTyped(value), [value])
  const settle = (text: string) => {
    const read = readTime(text)
    setFiltered(false)
    setTyped(read ?? text)
    if ((read ?? text) !== value) onChange(read ?? text)
  }
  return (
    <Autocomplete
      label={label}
      value={typed}
      onChange={(text) => {
        setTyped(text)
        setFiltered(true)
        const read = readTime(text)
        if (read && /^\d{2}:\d{2}$/.test(text)) onChange(read)
      }}
      onOptionSubmit={settle}
      onBlur={() => settle(typed)}
      data={all}
      filter={({ options }) => (filtered ? matching(options, typed) : options)}
      maxDropdownHeight={208}
      inputMode="numeric"
      autoComplete="off"
      selectFirstOptionOnChange={false}
      error={error}
    />
  )
}

function matching<Option>(options: Option[], typed: string): Option[] {
  const wanted = typed.replace(/\D/g, '')
  return options.filter((option) => {
    const text = String((option as { value?: string }).value ?? '').replace(':', '')
    return text.startsWith(wanted) || text.startsWith(`0${wanted}`)
  })
}

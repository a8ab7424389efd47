// A time of day, typed as one likes: 9, 930, 9.30 and 09:30 are all understood.
import { TextInput, type TextInputProps } from '@mantine/core'

type Props = Omit<TextInputProps, 'value' | 'onChange'> & { value?: string; onChange?: (time: string) => void }

export function ClockField({ value = '', onChange, ...props }: Props) {
  return (
    <TextInput
      {...props}
      value={value}
      placeholder="09:00"
      inputMode="numeric"
      autoComplete="off"
      onChange={(event) => onChange?.(event.currentTarget.value)}
      onBlur={() => onChange?.(clock(value))}
    />
  )
}

/** "09:30" of what was typed, or what was typed where that is no time of day. */
export function clock(typed: string): string {
  const found = typed.trim().match(/^(\d{1,2})(?:[.:h ]?(\d{2}))?$/)
  if (!found) return typed
  const [, hours = '', minutes = '00'] = found
  return `${hours.padStart(2, '0')}:${minutes}`
}

// What a number in a field counts, at its right edge; its label or description says it as well.
import { Text } from '@mantine/core'

export function Unit({ children }: { children: string }) {
  return (
    <Text span size="sm" c="var(--quiet)" aria-hidden>
      {children}
    </Text>
  )
}

// Says what is missing and what to do first.
import { Stack, Text, Title, type TitleOrder } from '@mantine/core'
import type { ReactNode } from 'react'

export function EmptyState({
  title,
  hint,
  level = 2,
  children,
}: {
  title: string
  hint?: string
  level?: TitleOrder
  children?: ReactNode
}) {
  return (
    <Stack align="center" gap="sm" py={64} px="md" ta="center">
      <Title order={level} size="h2">
        {title}
      </Title>
      {hint && (
        <Text c="var(--quiet)" maw={416}>
          {hint}
        </Text>
      )}
      {children}
    </Stack>
  )
}

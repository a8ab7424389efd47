// A part of a set-up page: its heading, what it is for, and what can be begun there.
import { Box, Group, Text, Title } from '@mantine/core'
import { type ReactNode, useId } from 'react'

export function Part({
  title,
  hint,
  action,
  children,
}: {
  title: string
  hint?: ReactNode
  action?: ReactNode
  children: ReactNode
}) {
  const id = useId()
  return (
    <Box component="section" aria-labelledby={id} mb={40}>
      <Group justify="space-between" align="flex-start" wrap="nowrap" mb="md" gap="md">
        <div>
          <Title order={2} id={id}>
            {title}
          </Title>
          {hint && (
            <Text c="var(--quiet)" size="sm" mt={4} maw={560}>
              {hint}
            </Text>
          )}
        </div>
        {action}
      </Group>
      {children}
    </Box>
  )
}

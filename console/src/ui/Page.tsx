// The head and the body of a page, with the same distances everywhere.
import { Box, Group, Title } from '@mantine/core'
import type { ReactNode } from 'react'

export function Page({
  title,
  actions,
  children,
  width = 1120,
}: {
  title: ReactNode
  actions?: ReactNode
  children: ReactNode
  width?: number
}) {
  return (
    <Box maw={width} mx="auto" p="lg">
      <Group justify="space-between" mb="lg" mih={40}>
        <Title order={1}>{title}</Title>
        {actions && <Group gap="sm">{actions}</Group>}
      </Group>
      {children}
    </Box>
  )
}

// A part of a set-up page: its heading, what it is for, and what can be begun there.
import { Box, Text, Title } from '@mantine/core'
import { type ReactNode, useId } from 'react'
import classes from './Part.module.css'

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
      <div className={classes.head}>
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
        {action && <div className={classes.action}>{action}</div>}
      </div>
      {children}
    </Box>
  )
}

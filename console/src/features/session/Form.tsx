// The frame of a form that takes the overview's place: its heading has the focus, and there is a way back.
import { Button, Group, Stack, Title } from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { IconArrowLeft } from '~/ui/icons'

export function Form({
  title,
  onBack,
  onSubmit,
  children,
}: {
  title: string
  onBack: () => void
  onSubmit?: () => void
  children: ReactNode
}) {
  const { t } = useTranslation('session')
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit?.()
      }}
    >
      <Stack gap="md" pb="xl">
        <Group>
          <Button
            variant="subtle"
            size="compact-sm"
            leftSection={<IconArrowLeft size={16} aria-hidden />}
            onClick={onBack}
          >
            {t('back')}
          </Button>
        </Group>
        <Title order={3} ref={heading} tabIndex={-1} style={{ outline: 'none' }}>
          {title}
        </Title>
        {children}
      </Stack>
    </form>
  )
}

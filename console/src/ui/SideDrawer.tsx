// Details at the right edge, one at a time: never a dialog over a dialog.
import { Drawer, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

export function SideDrawer({
  opened,
  onClose,
  title,
  children,
}: {
  opened: boolean
  onClose: () => void
  title: ReactNode
  children: ReactNode
}) {
  const { t } = useTranslation('app')
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      title={
        <Title order={2} component="span">
          {title}
        </Title>
      }
      closeButtonProps={{ 'aria-label': t('close') }}
    >
      {children}
    </Drawer>
  )
}

// Details at the right edge, one at a time: never a dialog over a dialog.
import { Drawer, Title } from '@mantine/core'
import { type ReactNode, useEffect, useState } from 'react'
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
  useFocusBack(opened)
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

/** One that is taken away while open gives the focus back to where it was when it came; Mantine does so only when it is closed. */
function useFocusBack(opened: boolean): void {
  const [from] = useState(() => (opened ? origin(document.activeElement) : null))
  useEffect(() => {
    if (!from) return
    return () => {
      setTimeout(() => {
        if (from.isConnected && document.activeElement === document.body) from.focus({ preventScroll: true })
      })
    }
  }, [from])
}

/** What was used to open it; for an entry of a menu, which is gone by then, the button of the menu. */
function origin(element: Element | null): HTMLElement | null {
  const menu = element?.closest('[role="menu"]')
  const found = menu?.id ? document.querySelector(`[aria-controls="${CSS.escape(menu.id)}"]`) : element
  return found instanceof HTMLElement ? found : null
}

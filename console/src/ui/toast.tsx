// Short words at the lower edge: what was done, with a way back, or why it was not.
import { Button, Group, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import i18next from 'i18next'
import { Problem } from '~/api/problem'
import { isPlans, why } from '~/ui/why'
import { ToPlans } from './PlanRefusal'

const UNDO_MS = 10_000

/** Say what was done; `undo` takes it back. */
export function done(message: string, undo?: () => Promise<unknown>): void {
  const t = i18next.getFixedT(null, 'app')
  const id = notifications.show({
    message: undo ? (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">{message}</Text>
        <Button
          variant="subtle"
          size="xs"
          flex="none"
          onClick={() => {
            notifications.hide(id)
            undo().then(() => done(t('undone')), failed)
          }}
        >
          {t('undo')}
        </Button>
      </Group>
    ) : (
      message
    ),
    autoClose: undo ? UNDO_MS : 4000,
    withBorder: true,
    closeButtonProps: { 'aria-label': t('close') },
    role: 'status',
  })
}

/** Say why something did not work. */
export function failed(error: unknown): void {
  const t = i18next.getFixedT(null, 'app')
  const message = error instanceof Problem ? why(error) : String((error as Error)?.message ?? error)
  notifications.show({
    title: t('failed'),
    message: isPlans(error) ? (
      <>
        {message} <ToPlans />
      </>
    ) : (
      message
    ),
    color: 'red',
    // Under a title it would be too pale to read.
    styles: { description: { color: 'inherit' } },
    autoClose: 10_000,
    withBorder: true,
    closeButtonProps: { 'aria-label': t('close') },
    role: 'alert',
  })
}

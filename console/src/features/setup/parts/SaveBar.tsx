// At the lower edge while something was changed: keep it, or go back to what was.
import { Button, Group, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import classes from './SaveBar.module.css'
import { useUnsaved } from './unsaved'

export function SaveBar({ dirty, saving, onDiscard }: { dirty: boolean; saving: boolean; onDiscard: () => void }) {
  const { t } = useTranslation('setup')
  useUnsaved(dirty)
  if (!dirty) return null
  return (
    <Group className={classes.bar} justify="space-between">
      <Text size="sm" role="status">
        {t('unsaved')}
      </Text>
      <Group gap="sm">
        <Button variant="default" onClick={onDiscard} disabled={saving}>
          {t('discard')}
        </Button>
        <Button type="submit" loading={saving}>
          {t('app:save')}
        </Button>
      </Group>
    </Group>
  )
}

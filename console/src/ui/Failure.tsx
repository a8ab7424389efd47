// What went wrong, in words, and the way to try again.
import { Alert, Button, Group } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Problem } from '~/api/problem'
import { IconAlertTriangle } from '~/ui/icons'
import { NotLoaded } from '~/ui/later'
import { why } from '~/ui/why'

/** A service that is down is named; a refusal says why; anything else is our own fault, and says so. */
export function Failure({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  const { t } = useTranslation('app')
  const said = error instanceof Problem ? why(error) : t(error instanceof NotLoaded ? 'notLoaded' : 'crashed')
  return (
    <Alert
      color={error instanceof Problem && error.down ? 'yellow' : 'red'}
      icon={<IconAlertTriangle aria-hidden />}
      m="md"
      role="alert"
    >
      <Group justify="space-between">
        <span>{said}</span>
        {onRetry && (
          <Button variant="default" size="xs" onClick={onRetry}>
            {t('retry')}
          </Button>
        )}
      </Group>
    </Alert>
  )
}

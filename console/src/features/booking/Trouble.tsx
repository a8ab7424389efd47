// Why a page for clients shows nothing: in their words, without the names of our services.
import { Alert, Button, Group, VisuallyHidden } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '~/api/problem'
import { Failure } from '~/ui/Failure'
import { IconAlertTriangle, IconHourglass } from '~/ui/icons'

const SOON_SECONDS = 10

export function Trouble({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const { t } = useTranslation('booking')
  if (!(error instanceof Problem)) return <Failure error={error} onRetry={onRetry} />
  if (error.status === 429) return <Wait seconds={error.retryAfter ?? SOON_SECONDS} onOver={onRetry} />
  return (
    <Alert color={error.down ? 'yellow' : 'red'} icon={<IconAlertTriangle aria-hidden />} role="alert">
      <Group justify="space-between">
        <span>{error.down ? t('down') : t('refused', { why: error.message })}</span>
        <Button variant="default" size="xs" onClick={onRetry}>
          {t('retry')}
        </Button>
      </Group>
    </Alert>
  )
}

/** Counts down what the service asked to wait, and goes on by itself then. */
function Wait({ seconds, onOver }: { seconds: number; onOver: () => void }) {
  const { t } = useTranslation('booking')
  const [left, setLeft] = useState(seconds)
  const over = useRef(onOver)
  over.current = onOver
  useEffect(() => {
    const until = Date.now() + seconds * 1000
    const ticking = setInterval(() => {
      const rest = Math.ceil((until - Date.now()) / 1000)
      setLeft(Math.max(rest, 0))
      if (rest > 0) return
      clearInterval(ticking)
      over.current()
    }, 1000)
    return () => clearInterval(ticking)
  }, [seconds])
  return (
    <Alert color="yellow" icon={<IconHourglass aria-hidden />} title={t('tooMany')} role="alert">
      <span aria-hidden>{t('tooManyHint', { count: left })}</span>
      <VisuallyHidden>{t('tooManyHint', { count: seconds })}</VisuallyHidden>
    </Alert>
  )
}

/** A refusal of what a client did, in one sentence. */
export function useRefusal(): (error: unknown) => string {
  const { t } = useTranslation('booking')
  return (error) => {
    if (!(error instanceof Problem)) return t('refused', { why: String((error as Error)?.message ?? error) })
    if (error.status === 429) return t('tooManyTryAgain', { count: error.retryAfter ?? SOON_SECONDS })
    return error.down ? t('down') : t('refused', { why: error.message })
  }
}

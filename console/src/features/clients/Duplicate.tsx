// Who has the email already, and the way on for a family that shares one.
import { Alert, Button, Stack, Text } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { IconUsers } from '~/ui/icons'
import { ClientName } from './ClientName'
import classes from './clients.module.css'

export function Duplicate({
  ids,
  anyway,
  onAnyway,
  busy,
}: {
  ids: string[]
  anyway: string
  onAnyway: () => void
  busy: boolean
}) {
  const { t } = useTranslation('clients')
  const shown = useRef<HTMLDivElement>(null)
  // It comes below a long form, and is what to look at now.
  useEffect(() => {
    // In braces: a browser may answer with a promise, which React would take for a way to clean up.
    shown.current?.scrollIntoView({ block: 'center' })
  }, [])
  return (
    <Alert ref={shown} color="yellow" icon={<IconUsers aria-hidden />} title={t('duplicate')} role="alert">
      <Stack gap="sm" align="flex-start">
        <ul className={classes.list}>
          {ids.map((id) => (
            <li key={id}>
              <ClientName id={id} />
            </li>
          ))}
        </ul>
        <Text size="sm">{t('duplicateHint')}</Text>
        <Button variant="default" size="xs" onClick={onAnyway} loading={busy}>
          {anyway}
        </Button>
      </Stack>
    </Alert>
  )
}

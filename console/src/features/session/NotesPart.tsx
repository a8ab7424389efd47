// The client's own words, the notes that the client sees, and those that nobody else does.
import { Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Session } from '~/api/types'
import { NoteField } from './NoteField'
import { Part } from './Part'
import classes from './panel.module.css'

export function NotesPart({ session }: { session: Session }) {
  const { t } = useTranslation('session')
  return (
    <Part title={t('notesTitle')}>
      <Stack gap="md">
        {session.client_message && (
          <figure style={{ margin: 0 }}>
            <Text component="figcaption" size="sm" fw={500} mb={4}>
              {t('clientsWords')}
            </Text>
            <blockquote className={classes.words}>{session.client_message}</blockquote>
          </figure>
        )}
        <NoteField session={session} field="notes" />
        {session.session_notes === null ? (
          <Text size="sm" c="var(--quiet)">
            {t('noScope')}
          </Text>
        ) : (
          <NoteField session={session} field="session_notes" />
        )}
      </Stack>
    </Part>
  )
}

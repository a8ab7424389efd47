// A note that is edited where it stands, and saved when one leaves it.
import { Alert, Button, Group, Text, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, scheduling } from '~/api/client'
import { Problem } from '~/api/problem'
import type { Session } from '~/api/types'
import { IconEye, IconLock } from '~/ui/icons'
import classes from './panel.module.css'
import { keys, take } from './queries'
import { Refusal } from './Refusal'

type Field = 'notes' | 'session_notes'

/** Somebody else has written here meanwhile. */
class Overtaken extends Error {}

const LENGTHS = { notes: 10_000, session_notes: 50_000 }

export function NoteField({ session, field }: { session: Session; field: Field }) {
  const { t } = useTranslation('session')
  const queries = useQueryClient()
  const stored = session[field] ?? ''
  // What is being typed, and what stood there when that began; undefined: nobody types.
  const [draft, setDraft] = useState<{ text: string; base: string }>()
  const text = draft?.text ?? stored
  const dirty = draft !== undefined && draft.text !== stored

  const save = useMutation({
    mutationFn: async ({ text, base }: { text: string; base: string }) => {
      const patch = (at: Session) => {
        if ((at[field] ?? '') !== base) throw new Overtaken()
        return body(
          scheduling.PATCH('/v1/sessions/{session_id}', {
            params: { path: { session_id: at.id }, header: { 'If-Match': `"${at.version}"` } },
            body: { [field]: text },
          }),
        )
      }
      try {
        return await patch(queries.getQueryData<Session>(keys.session(session.id)) ?? session)
      } catch (error) {
        if (!(error instanceof Problem && error.code === 'stale')) throw error
        // Something about the session changed; that matters only where it is this note.
        const now = await body(
          scheduling.GET('/v1/sessions/{session_id}', { params: { path: { session_id: session.id } } }),
        )
        take(queries, now)
        return await patch(now)
      }
    },
    onSuccess: (answer, { text }) => {
      take(queries, answer)
      setDraft((current) => (current?.text === text ? undefined : current && { ...current, base: text }))
    },
  })
  const saveNow = () => {
    if (draft && dirty && !save.isPending) save.mutate(draft)
    if (draft && !dirty) setDraft(undefined)
  }
  const overtaken = save.error instanceof Overtaken
  const problem = save.error instanceof Problem ? save.error : undefined
  const isPrivate = field === 'session_notes'
  return (
    <div className={classes.note}>
      <Textarea
        label={
          <Group gap={4} component="span" display="inline-flex">
            {isPrivate ? <IconLock size={16} aria-hidden /> : <IconEye size={16} aria-hidden />}
            {t(isPrivate ? 'privateNotes' : 'notes')}
          </Group>
        }
        description={t(isPrivate ? 'privateHint' : 'notesHint')}
        value={text}
        onChange={(event) => {
          const typed = event.currentTarget.value
          setDraft((current) => ({ text: typed, base: current?.base ?? stored }))
        }}
        onBlur={saveNow}
        // The first Escape leaves the field (and saves), the next one closes the panel.
        data-mantine-stop-propagation="true"
        onKeyDown={(event) => {
          if (event.key === 'Escape') event.currentTarget.blur()
        }}
        autosize
        minRows={2}
        maxRows={16}
        maxLength={LENGTHS[field]}
        error={problem?.field(`/${field}`)}
      />
      {overtaken && draft && (
        <Alert role="alert" color="yellow" mt="sm">
          <Text size="sm" fw={600}>
            {t('overtaken')}
          </Text>
          <Text size="sm" style={{ whiteSpace: 'pre-wrap' }}>
            {stored || t('overtakenEmpty')}
          </Text>
          <Group gap="sm" mt="sm">
            <Button size="xs" onClick={() => save.mutate({ text: draft.text, base: stored })}>
              {t('keepMine')}
            </Button>
            <Button
              size="xs"
              variant="default"
              onClick={() => {
                save.reset()
                setDraft(undefined)
              }}
            >
              {t('takeTheirs')}
            </Button>
          </Group>
        </Alert>
      )}
      {save.error && !overtaken && !problem?.field(`/${field}`) && <Refusal error={save.error} />}
      <div className={classes.noteState}>
        <Text size="sm" c="var(--quiet)" role="status">
          {save.isPending ? t('saving') : save.isSuccess && !dirty ? t('saved') : ''}
        </Text>
        {dirty && !overtaken && !save.isPending && (
          <Button size="compact-xs" variant="default" onClick={saveNow}>
            {t(isPrivate ? 'savePrivateNotes' : 'saveNotes')}
          </Button>
        )}
      </div>
    </div>
  )
}

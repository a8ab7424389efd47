// Notes that never leave the practice, written in place.
import { Button, Group, Textarea, Title } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '~/api/problem'
import type { Client } from '~/api/types'
import { done } from '~/ui/toast'
import { inTurn, useForget, useWrite } from './clients'
import classes from './clients.module.css'
import { PrivateLabel } from './PrivateLabel'
import { Refusal } from './Refusal'

export function PrivateNotes({ client }: { client: Client }) {
  const { t } = useTranslation('clients')
  const { t: app } = useTranslation('app')
  // Null: nothing was typed, so that what others write is followed.
  const [draft, setDraft] = useState<string | null>(null)
  const write = useWrite(client.id)
  const forget = useForget()
  const kept = client.notes ?? ''

  const save = useMutation({
    scope: inTurn(client.id),
    mutationFn: (text: string) => write({ notes: text.trim() || null }),
    onSuccess: () => {
      setDraft(null)
      done(app('saved'), () => write({ notes: kept || null }))
    },
    onError: (error) => error instanceof Problem && error.code === 'stale' && forget(client.id),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (draft !== null) save.mutate(draft)
  }
  const typed = draft !== null && draft !== kept

  return (
    <section className={classes.part} aria-labelledby="private-notes">
      <Title order={2} id="private-notes" mb="xs">
        <PrivateLabel>{t('privateNotes')}</PrivateLabel>
      </Title>
      <form onSubmit={submit}>
        <Textarea
          aria-labelledby="private-notes"
          description={t('privateHint')}
          autosize
          minRows={3}
          maxRows={16}
          value={draft ?? kept}
          onChange={(event) => setDraft(event.currentTarget.value)}
          error={save.error instanceof Problem && save.error.field('/notes')}
          disabled={client.deleted_at !== null}
        />
        {save.error && <Refusal error={save.error} />}
        {typed && (
          <Group justify="flex-end" mt="sm">
            <Button variant="default" size="xs" onClick={() => setDraft(null)}>
              {app('cancel')}
            </Button>
            <Button type="submit" size="xs" variant="light" loading={save.isPending}>
              {app('save')}
            </Button>
          </Group>
        )}
      </form>
    </section>
  )
}

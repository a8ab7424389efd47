// A client is made. Whoever has the email already is shown first; with the same phone number, afterwards.
import { Button, Group, Stack } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useLocation } from 'wouter'
import { body, clients, idempotencyKey } from '~/api/client'
import { Problem } from '~/api/problem'
import { useScope } from '~/auth/session'
import { SideDrawer } from '~/ui/SideDrawer'
import { done } from '~/ui/toast'
import { ClientFields } from './ClientFields'
import { useKeep } from './clients'
import { Duplicate } from './Duplicate'
import { EMPTY, sent } from './form'
import { Refusal } from './Refusal'
import { SameNumber } from './SameNumber'

export default function NewClientDrawer({ name, onClose }: { name: string; onClose: () => void }) {
  const { t } = useTranslation('clients')
  const { t: app } = useTranslation('app')
  const [, navigate] = useLocation()
  const [form, setForm] = useState({ ...EMPTY, name })
  const [key, setKey] = useState(idempotencyKey)
  const mayNote = useScope('sessions:notes')
  const keep = useKeep()

  const make = useMutation({
    mutationFn: (allowed: boolean) => {
      const { notes, ...person } = sent(form)
      return body(
        clients.POST('/v1/clients', {
          params: { header: key },
          body: { ...person, ...(mayNote && { notes }), allow_duplicate: allowed },
        }),
      )
    },
    onSuccess: (client) => {
      keep(client)
      done(t('made', { name: client.name }))
      if (!('possible_duplicates' in client) || client.possible_duplicates.length === 0)
        navigate(`/clients/${client.id}`)
    },
  })
  const problem = make.error instanceof Problem ? make.error : null
  const others = problem?.code === 'duplicate' ? (problem.details.existing_ids ?? []) : []

  const change = (changes: Partial<typeof form>) => {
    setForm((before) => ({ ...before, ...changes }))
    setKey(idempotencyKey())
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    make.mutate(false)
  }

  const made = make.data
  return (
    <SideDrawer opened onClose={onClose} title={made ? made.name : t('newClient')}>
      {made && 'possible_duplicates' in made ? (
        <SameNumber client={made} others={made.possible_duplicates} />
      ) : (
        <form onSubmit={submit}>
          <Stack gap="lg">
            <ClientFields form={form} onChange={change} problem={problem} notes={mayNote} />
            {others.length > 0 ? (
              <Duplicate
                ids={others}
                onAnyway={() => make.mutate(true)}
                busy={make.isPending}
                anyway={t('makeAnyway')}
              />
            ) : (
              make.error && <Refusal error={make.error} />
            )}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                {app('cancel')}
              </Button>
              <Button type="submit" loading={make.isPending}>
                {t('make')}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </SideDrawer>
  )
}

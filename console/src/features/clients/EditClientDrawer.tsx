// What is known of a client is changed, unless somebody else did so in the meantime.
import { Button, Group, Stack } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '~/api/problem'
import type { Client } from '~/api/types'
import { SideDrawer } from '~/ui/SideDrawer'
import { done } from '~/ui/toast'
import { ClientFields } from './ClientFields'
import { inTurn, useForget, useWrite } from './clients'
import { Duplicate } from './Duplicate'
import { changed, filled } from './form'
import { Refusal } from './Refusal'

export default function EditClientDrawer({ client, onClose }: { client: Client; onClose: () => void }) {
  const { t } = useTranslation('clients')
  const { t: app } = useTranslation('app')
  // What the form began with: what others change meanwhile must not pass for what was typed here.
  const [before] = useState(client)
  const [form, setForm] = useState(() => filled(client))
  const write = useWrite(client.id)
  const forget = useForget()

  const save = useMutation({
    scope: inTurn(client.id),
    mutationFn: (how: { allowed?: boolean; version?: number }) =>
      write({ ...changed(form, before), ...(how.allowed && { allow_duplicate: true }) }, how.version ?? before.version),
    onSuccess: (after) => {
      const back = changed(filled(before), after)
      onClose()
      done(app('saved'), () => write({ ...back, allow_duplicate: true }))
    },
    onError: (error) => error instanceof Problem && error.code === 'stale' && forget(client.id),
  })
  const problem = save.error instanceof Problem ? save.error : null
  const others = problem?.code === 'duplicate' ? (problem.details.existing_ids ?? []) : []
  const nothing = Object.keys(changed(form, before)).length === 0

  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate({})
  }
  return (
    <SideDrawer opened onClose={onClose} title={t('edit')}>
      <form onSubmit={submit}>
        <Stack gap="lg">
          <ClientFields
            form={form}
            onChange={(changes) => setForm((now) => ({ ...now, ...changes }))}
            problem={problem}
            notes={false}
          />
          {others.length > 0 ? (
            <Duplicate
              ids={others}
              anyway={t('saveAnyway')}
              onAnyway={() => save.mutate({ allowed: true })}
              busy={save.isPending}
            />
          ) : (
            save.error && <Refusal error={save.error} />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {app('cancel')}
            </Button>
            {problem?.code === 'stale' ? (
              <Button onClick={() => save.mutate({ version: client.version })} loading={save.isPending}>
                {t('saveAnyway')}
              </Button>
            ) : (
              <Button type="submit" loading={save.isPending} disabled={nothing}>
                {app('save')}
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </SideDrawer>
  )
}

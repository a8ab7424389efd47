// A person is forgotten for good: what happens is said first, and the name has to be typed.
import { Alert, Anchor, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useLocation } from 'wouter'
import { body, clients, idempotencyKey } from '~/api/client'
import { Problem } from '~/api/problem'
import type { Client } from '~/api/types'
import { useTimeZone } from '~/app/account'
import { dayAndTime } from '~/i18n/format'
import { Failure } from '~/ui/Failure'
import { IconAlertTriangle, IconCalendarX } from '~/ui/icons'
import { SideDrawer } from '~/ui/SideDrawer'
import { seen, useErasure, useForget, useTimeline } from './clients'
import classes from './clients.module.css'
import { ErasureReceipt } from './ErasureReceipt'
import { Refusal } from './Refusal'

export default function EraseDrawer({ client, onClose }: { client: Client; onClose: () => void }) {
  const { t } = useTranslation('clients')
  const { t: app } = useTranslation('app')
  const [, navigate] = useLocation()
  const [typed, setTyped] = useState('')
  const [key] = useState(idempotencyKey)
  const forget = useForget()
  const cache = useQueryClient()

  const erase = useMutation({
    mutationFn: () =>
      body(
        clients.POST('/v1/clients/{client_id}/erase', {
          params: { path: { client_id: client.id }, header: { ...key, ...seen(client) } },
          body: {},
        }),
      ),
    onSuccess: (receipt) => cache.setQueryData(['client', client.id, 'erasure'], receipt),
    onError: (error) => error instanceof Problem && error.code === 'stale' && forget(client.id),
  })
  const receipt = useErasure(client.id, erase.isSuccess)
  const sessions =
    erase.error instanceof Problem && erase.error.code === 'client_has_sessions'
      ? (erase.error.details.session_ids ?? [])
      : null

  const close = () => {
    if (!erase.isSuccess) return onClose()
    forget(client.id)
    navigate('/clients')
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (typed.trim() === client.name.trim()) erase.mutate()
  }

  if (erase.isSuccess) {
    return (
      <SideDrawer opened onClose={close} title={t('erasedClient')}>
        <Stack gap="lg">
          <ErasureReceipt receipt={receipt.data ?? erase.data} />
          {receipt.isError && <Failure error={receipt.error} onRetry={() => void receipt.refetch()} />}
          <Group justify="flex-end">
            <Button onClick={close}>{app('close')}</Button>
          </Group>
        </Stack>
      </SideDrawer>
    )
  }
  return (
    <SideDrawer opened onClose={close} title={t('eraseTitle', { name: client.name })}>
      <form onSubmit={submit}>
        <Stack gap="lg">
          <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={t('eraseForGood')}>
            <ul className={classes.list}>
              <li>{t('eraseWhat')}</li>
              <li>{t('eraseEverywhere')}</li>
              <li>{t('eraseKept')}</li>
              <li>{t('eraseExport')}</li>
            </ul>
          </Alert>
          <TextInput
            label={t('typeName', { name: client.name })}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
          {sessions ? <ToCome client={client} ids={sessions} /> : erase.error && <Refusal error={erase.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {app('cancel')}
            </Button>
            <Button type="submit" color="red" loading={erase.isPending} disabled={typed.trim() !== client.name.trim()}>
              {t('eraseNow')}
            </Button>
          </Group>
        </Stack>
      </form>
    </SideDrawer>
  )
}

/** Sessions that are to come have to be cancelled first. */
function ToCome({ client, ids }: { client: Client; ids: string[] }) {
  const { t } = useTranslation('clients')
  const zone = useTimeZone()
  const timeline = useTimeline(client.id)
  const known = new Map(
    timeline.data?.years.flatMap((year) => year.sessions).map((session) => [session.id, session] as const),
  )
  return (
    <Alert color="yellow" icon={<IconCalendarX aria-hidden />} title={t('hasSessions')} role="alert">
      <Text size="sm">{t('hasSessionsHint')}</Text>
      <ul className={classes.list}>
        {ids.map((id) => {
          const session = known.get(id)
          return (
            <li key={id}>
              <Anchor
                component={Link}
                href={`/clients/${client.id}?session=${id}`}
                c="inherit"
                underline="always"
                size="sm"
              >
                {session ? `${session.service_name}, ${dayAndTime(session.starts_at, zone)}` : t('thisSession')}
              </Anchor>
            </li>
          )
        })}
      </ul>
    </Alert>
  )
}

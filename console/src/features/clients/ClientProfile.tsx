// Everything about one client, and what can be done with them.
import { ActionIcon, Alert, Button, Group, Menu, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { useLocation } from 'wouter'
import { body, clients } from '~/api/client'
import { Problem } from '~/api/problem'
import type { Client } from '~/api/types'
import { useTimeZone } from '~/app/account'
import { useScope } from '~/auth/session'
import { day } from '~/i18n/format'
import { Boundary } from '~/ui/Boundary'
import { ButtonLink } from '~/ui/ButtonLink'
import { download } from '~/ui/download'
import {
  IconArrowMerge,
  IconCalendarPlus,
  IconDots,
  IconEraser,
  IconFileDownload,
  IconPencil,
  IconTrash,
} from '~/ui/icons'
import { Page } from '~/ui/Page'
import { done, failed } from '~/ui/toast'
import { ContactSwitches } from './ContactSwitches'
import { deleteClient, restoreClient, useForget, useKeep } from './clients'
import classes from './clients.module.css'
import { Facts } from './Facts'
import { PrivateNotes } from './PrivateNotes'
import { usePlace } from './place'
import { Timeline } from './Timeline'

const EditClientDrawer = lazy(() => import('./EditClientDrawer'))
const MergeDrawer = lazy(() => import('./MergeDrawer'))
const EraseDrawer = lazy(() => import('./EraseDrawer'))
const SessionPanel = lazy(() => import('~/features/session/SessionPanel'))

const UNDO_DAYS = 30

export function ClientProfile({ client }: { client: Client }) {
  const { t } = useTranslation('clients')
  const [, navigate] = useLocation()
  const [place, put] = usePlace()
  const zone = useTimeZone()
  const mayNote = useScope('sessions:notes')
  const forget = useForget()
  const keep = useKeep()

  const remove = useMutation({
    mutationFn: () => deleteClient(client),
    onSuccess: () => {
      forget(client.id)
      navigate('/clients')
      done(t('deleted', { name: client.name }), async () => keep(await restoreClient(client.id)))
    },
    onError: (error) => {
      if (error instanceof Problem && error.code === 'stale') forget(client.id)
      failed(error)
    },
  })
  const bringBack = useMutation({
    mutationFn: () => restoreClient(client.id),
    onSuccess: (restored) => {
      keep(restored)
      done(t('restored', { name: client.name }))
    },
    onError: failed,
  })
  const takeData = useMutation({
    mutationFn: () =>
      body(clients.GET('/v1/clients/{client_id}/data-export', { params: { path: { client_id: client.id } } })),
    onSuccess: (data) =>
      download(new Blob([JSON.stringify(data, null, 2)], { type: 'application/json' }), `${client.id}.json`),
    onError: failed,
  })

  const deletedAt = client.deleted_at
  const session = place.get('session')
  const close = (name: string) => put({ [name]: null }, { replace: true })

  return (
    <Page
      title={client.name}
      actions={
        <>
          {!deletedAt && (
            <>
              <ButtonLink
                href={`/calendar?new&client=${client.id}`}
                leftSection={<IconCalendarPlus size={16} aria-hidden />}
              >
                {t('bookSession')}
              </ButtonLink>
              <Button
                variant="default"
                leftSection={<IconPencil size={16} aria-hidden />}
                onClick={() => put({ edit: '' })}
              >
                {t('edit')}
              </Button>
            </>
          )}
          <Menu position="bottom-end" width={240}>
            <Menu.Target>
              <ActionIcon variant="default" size={36} aria-label={t('moreActions')}>
                <IconDots size={16} aria-hidden />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {!deletedAt && (
                <Menu.Item leftSection={<IconArrowMerge size={16} aria-hidden />} onClick={() => put({ merge: '' })}>
                  {t('merge')}
                </Menu.Item>
              )}
              <Menu.Item
                leftSection={<IconFileDownload size={16} aria-hidden />}
                onClick={() => takeData.mutate()}
                disabled={takeData.isPending}
              >
                {t('dataExport')}
              </Menu.Item>
              <Menu.Divider />
              {!deletedAt && (
                <Menu.Item
                  leftSection={<IconTrash size={16} aria-hidden />}
                  onClick={() => remove.mutate()}
                  disabled={remove.isPending}
                >
                  {t('delete')}
                </Menu.Item>
              )}
              <Menu.Item leftSection={<IconEraser size={16} aria-hidden />} onClick={() => put({ erase: '' })}>
                {t('erase')}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </>
      }
    >
      {deletedAt && (
        <Alert color="yellow" mb="lg" role="status" title={t('isDeleted', { at: day(deletedAt, zone) })}>
          <Group justify="space-between">
            <Text size="sm">{t('isDeletedHint', { until: day(undoneUntil(deletedAt), zone) })}</Text>
            <Button variant="default" size="xs" onClick={() => bringBack.mutate()} loading={bringBack.isPending}>
              {t('restore')}
            </Button>
          </Group>
        </Alert>
      )}
      <div className={classes.profile}>
        <div>
          <Facts client={client} />
          {mayNote && <PrivateNotes client={client} />}
          <ContactSwitches client={client} />
        </div>
        <Timeline client={client} />
      </div>
      <Suspense>
        {place.has('edit') && !deletedAt && <EditClientDrawer client={client} onClose={() => close('edit')} />}
        {place.has('merge') && !deletedAt && (
          <MergeDrawer client={client} otherId={place.get('merge') ?? ''} onClose={() => close('merge')} />
        )}
        {place.has('erase') && <EraseDrawer client={client} onClose={() => close('erase')} />}
        {session && (
          <Boundary>
            <SessionPanel
              sessionId={session}
              onClose={() => {
                close('session')
                forget(client.id)
              }}
            />
          </Boundary>
        )}
      </Suspense>
    </Page>
  )
}

function undoneUntil(deletedAt: string): Date {
  return new Date(Date.parse(deletedAt) + UNDO_DAYS * 24 * 3600_000)
}

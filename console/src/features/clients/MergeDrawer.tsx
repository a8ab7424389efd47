// Two records of one person become one: the other is found, both are looked at side by side, and one stays.
import { Alert, Button, Group, SegmentedControl, Skeleton, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useLocation } from 'wouter'
import { body, clients, idempotencyKey } from '~/api/client'
import type { Client } from '~/api/types'
import { Failure } from '~/ui/Failure'
import { IconAlertTriangle } from '~/ui/icons'
import { SideDrawer } from '~/ui/SideDrawer'
import { done } from '~/ui/toast'
import { ClientPicker } from './ClientPicker'
import { seen, useClient, useForget } from './clients'
import { Refusal } from './Refusal'
import { SidesTable } from './SidesTable'

export default function MergeDrawer({
  client,
  otherId,
  onClose,
}: {
  client: Client
  otherId: string
  onClose: () => void
}) {
  const { t } = useTranslation('clients')
  const { t: app } = useTranslation('app')
  const [, navigate] = useLocation()
  const [picked, setPicked] = useState(otherId)
  const found = useClient(picked || undefined)
  const other = found.data
  const [keepsOther, setKeepsOther] = useState(false)
  const [key] = useState(idempotencyKey)
  const forget = useForget()

  const merge = useMutation({
    mutationFn: ({ stays, goes }: { stays: Client; goes: Client }) =>
      body(
        clients.POST('/v1/clients/{client_id}/merge', {
          params: { path: { client_id: stays.id }, header: { ...key, ...seen(stays) } },
          body: { from: [goes.id] },
        }),
      ),
    onSuccess: (after, { goes }) => {
      forget(after.id, goes.id)
      navigate(`/clients/${after.id}`, { replace: true })
      done(t('merged', { name: after.name }))
    },
    onError: () => forget(client.id, picked),
  })
  const [stays, goes] = keepsOther && other ? [other, client] : [client, other]

  return (
    <SideDrawer opened onClose={onClose} title={t('merge')}>
      <Stack gap="lg">
        {!picked && (
          <>
            <Text>{t('mergeHint', { name: client.name })}</Text>
            <ClientPicker label={t('otherClient')} except={client.id} onPick={({ id }) => setPicked(id)} />
          </>
        )}
        {picked && found.isPending && <Skeleton height={240} aria-busy />}
        {picked && found.isError && <Failure error={found.error} onRetry={() => void found.refetch()} />}
        {other && goes && picked && (
          <>
            <SegmentedControl
              aria-label={t('whoStays')}
              value={keepsOther ? 'other' : 'this'}
              onChange={(value) => setKeepsOther(value === 'other')}
              data={[
                { value: 'this', label: t('keepThis') },
                { value: 'other', label: t('keepOther') },
              ]}
            />
            <SidesTable stays={stays} goes={goes} />
            <Text size="sm">{t('mergeRules')}</Text>
            <Alert color="yellow" icon={<IconAlertTriangle aria-hidden />}>
              {t('mergeForGood')}
            </Alert>
            {merge.error && <Refusal error={merge.error} />}
            <Group justify="space-between">
              <Button variant="subtle" onClick={() => setPicked('')}>
                {t('pickAnother')}
              </Button>
              <Group gap="sm">
                <Button variant="default" onClick={onClose}>
                  {app('cancel')}
                </Button>
                <Button onClick={() => merge.mutate({ stays, goes })} loading={merge.isPending}>
                  {t('mergeNow')}
                </Button>
              </Group>
            </Group>
          </>
        )}
      </Stack>
    </SideDrawer>
  )
}

// The address at which other programs subscribe to a calendar; a new one makes the old one lead nowhere.
import { Button, CopyButton, Group, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, idempotencyKey, scheduling } from '~/api/client'
import type { Calendar } from '~/api/types'
import { Refusal } from '../parts/Refusal'
import { useSaving } from '../parts/saving'

export function FeedLink({ calendar }: { calendar: Calendar }) {
  const { t } = useTranslation('setup')
  const [asking, setAsking] = useState(false)
  const renewing = useSaving(
    () =>
      body(
        scheduling.POST('/v1/calendars/{calendar_id}/feed/renew', {
          params: { path: { calendar_id: calendar.id }, header: idempotencyKey() },
          body: {},
        }),
      ),
    { keys: [['calendars']], words: t('feedRenewed'), onSaved: () => setAsking(false) },
  )
  if (!calendar.feed_url) return null
  return (
    <div>
      <TextInput
        label={t('feed')}
        description={t('feedHint')}
        value={calendar.feed_url}
        readOnly
        onFocus={(event) => event.currentTarget.select()}
      />
      {asking ? (
        <div>
          <Text size="sm" my="sm" role="alert">
            {t('feedRenewHint')}
          </Text>
          <Group gap="sm">
            <Button size="xs" variant="default" onClick={() => setAsking(false)} ref={(button) => button?.focus()}>
              {t('app:cancel')}
            </Button>
            <Button
              size="xs"
              variant="outline"
              color="red"
              loading={renewing.isPending}
              onClick={() => renewing.mutate(undefined)}
            >
              {t('feedRenew')}
            </Button>
          </Group>
        </div>
      ) : (
        <Group gap="sm" mt="sm">
          <CopyButton value={calendar.feed_url}>
            {({ copied, copy }) => (
              <Button size="xs" variant="default" onClick={copy}>
                {copied ? t('copied') : t('copy')}
              </Button>
            )}
          </CopyButton>
          <Button size="xs" variant="subtle" onClick={() => setAsking(true)}>
            {t('feedRenew')}
          </Button>
        </Group>
      )}
      <Refusal error={renewing.error} />
    </div>
  )
}

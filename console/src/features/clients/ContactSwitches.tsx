// Whether the client is written to on each channel, and who said so when.
import { Collapse, Stack, Switch, Text, Title, UnstyledButton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Problem } from '~/api/problem'
import type { Client } from '~/api/types'
import { useTimeZone } from '~/app/account'
import { dayAndTime } from '~/i18n/format'
import { IconChevronDown, IconChevronRight } from '~/ui/icons'
import { done, failed } from '~/ui/toast'
import { inTurn, useForget, useWrite } from './clients'
import classes from './clients.module.css'

type Channel = 'email' | 'sms'
type Line = Client['contact_history'][number]

export function ContactSwitches({ client }: { client: Client }) {
  const { t } = useTranslation('clients')
  const write = useWrite(client.id)
  const forget = useForget()
  const [open, { toggle }] = useDisclosure()

  const turn = useMutation({
    scope: inTurn(client.id),
    mutationFn: ({ channel, on }: { channel: Channel; on: boolean }) => write({ contact: { [channel]: on } }),
    onSuccess: (_, { channel, on }) =>
      done(t(on ? 'channelOn' : 'channelOff', { channel: t(channel) }), () => write({ contact: { [channel]: !on } })),
    onError: (error) => {
      if (error instanceof Problem && error.code === 'stale') forget(client.id)
      failed(error)
    },
  })
  // Shown at once, before the service has answered.
  const allowed = (channel: Channel) =>
    turn.isPending && turn.variables.channel === channel ? turn.variables.on : client.contact[channel]
  const history = [...client.contact_history].sort((one, other) => other.at.localeCompare(one.at))

  return (
    <section className={classes.part} aria-labelledby="reminders">
      <Title order={2} id="reminders" mb="md">
        {t('reminders')}
      </Title>
      <Stack gap="sm">
        {(['email', 'sms'] as const).map((channel) => (
          <Switch
            key={channel}
            label={t(`by_${channel}`)}
            description={allowed(channel) ? undefined : t('optedOut')}
            checked={allowed(channel)}
            onChange={(event) => turn.mutate({ channel, on: event.currentTarget.checked })}
            disabled={client.deleted_at !== null}
          />
        ))}
      </Stack>
      {history.length > 0 && (
        <>
          <UnstyledButton mt="md" onClick={toggle} aria-expanded={open} className={classes.private}>
            {open ? <IconChevronDown size={16} aria-hidden /> : <IconChevronRight size={16} aria-hidden />}
            <Text size="sm">{t('history', { count: history.length })}</Text>
          </UnstyledButton>
          <Collapse expanded={open}>
            <ul className={classes.list}>
              {history.map((line) => (
                <HistoryLine key={`${line.at} ${line.channel} ${line.change}`} line={line} />
              ))}
            </ul>
          </Collapse>
        </>
      )}
    </section>
  )
}

function HistoryLine({ line }: { line: Line }) {
  const { t } = useTranslation('clients')
  const zone = useTimeZone()
  const what = line.change === 'set' ? (line.allowed ? 'change_on' : 'change_off') : `change_${line.change}`
  return (
    <li>
      <Text size="sm">
        {t(what, { channel: t(line.channel) })}
        <Text span inherit c="var(--quiet)">
          {' '}
          – {dayAndTime(line.at, zone)}, {t(`source_${line.source}`, { defaultValue: line.source })}
        </Text>
      </Text>
    </li>
  )
}

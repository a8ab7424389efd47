// After a client was made: others with the same phone number, who may be the same person.
import { Anchor, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import type { Client } from '~/api/types'
import { ButtonLink } from '~/ui/ButtonLink'
import { ClientName } from './ClientName'
import classes from './clients.module.css'

export function SameNumber({ client, others }: { client: Client; others: string[] }) {
  const { t } = useTranslation('clients')
  return (
    <Stack align="flex-start">
      <Text>{t('sameNumber', { name: client.name, count: others.length })}</Text>
      <ul className={classes.list}>
        {others.map((id) => (
          <li key={id}>
            <ClientName id={id} />
            {' – '}
            <Anchor component={Link} href={`/clients/${client.id}?merge=${id}`}>
              {t('mergeWith')}
            </Anchor>
          </li>
        ))}
      </ul>
      <ButtonLink href={`/clients/${client.id}`}>{t('toProfile')}</ButtonLink>
    </Stack>
  )
}

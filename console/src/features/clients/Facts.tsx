// What is known of the person.
import { Anchor, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useLocation } from 'wouter'
import type { Client } from '~/api/types'
import { useTimeZone } from '~/app/account'
import { LANGUAGES, type Language } from '~/i18n'
import { day } from '~/i18n/format'
import classes from './clients.module.css'
import { TagButton } from './TagButton'

export function Facts({ client }: { client: Client }) {
  const { t } = useTranslation('clients')
  const zone = useTimeZone()
  const [, navigate] = useLocation()
  return (
    <section className={classes.part} aria-labelledby="contact-data">
      <Title order={2} id="contact-data" mb="md">
        {t('contactData')}
      </Title>
      <dl className={classes.facts}>
        <dt>{t('email')}</dt>
        <dd>
          {client.email ? (
            <Anchor inherit href={`mailto:${client.email}`}>
              {client.email}
            </Anchor>
          ) : (
            t('notKnown')
          )}
          {client.email_bounced_at && (
            <Text size="sm" mt={4}>
              {t('bouncedAt', { at: day(client.email_bounced_at, zone) })}
            </Text>
          )}
        </dd>
        <dt>{t('phone')}</dt>
        <dd>
          {client.phone ? (
            <Anchor inherit href={`tel:${client.phone}`}>
              {client.phone}
            </Anchor>
          ) : (
            t('notKnown')
          )}
        </dd>
        {client.tags.length > 0 && (
          <>
            <dt>{t('tags')}</dt>
            <dd className={classes.tags}>
              {client.tags.map((tag) => (
                <TagButton key={tag} tag={tag} onPress={() => navigate(`/clients?tag=${encodeURIComponent(tag)}`)} />
              ))}
            </dd>
          </>
        )}
        {client.birth_date && (
          <>
            <dt>{t('birthDate')}</dt>
            <dd>{day(client.birth_date, 'UTC')}</dd>
          </>
        )}
        {client.address && (
          <>
            <dt>{t('address')}</dt>
            <dd>{client.address}</dd>
          </>
        )}
        {client.locale && (
          <>
            <dt>{t('language')}</dt>
            <dd>{LANGUAGES[client.locale as Language] ?? client.locale}</dd>
          </>
        )}
        {client.timezone && (
          <>
            <dt>{t('timezone')}</dt>
            <dd>{client.timezone}</dd>
          </>
        )}
        <dt>{t('since')}</dt>
        <dd>{day(client.created_at, zone)}</dd>
      </dl>
    </section>
  )
}

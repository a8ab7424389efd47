// A practice without a session has no figures: it is told what to do first.
import { Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { ButtonLink } from '~/ui/ButtonLink'
import { IconCheck } from '~/ui/icons'
import classes from './dashboard.module.css'

export function FirstSteps({ hasType }: { hasType: boolean }) {
  const { t } = useTranslation('dashboard')
  return (
    <section className={classes.first} aria-labelledby="first-steps">
      <Title order={2} id="first-steps">
        {t('firstTitle')}
      </Title>
      <Text c="var(--quiet)" mb="lg">
        {t('firstHint')}
      </Text>
      <ol className={classes.steps}>
        <li>
          <Title order={3}>{t('firstType')}</Title>
          <Text size="sm" c="var(--quiet)" mb="sm">
            {t('firstTypeHint')}
          </Text>
          {hasType ? (
            <Text size="sm" className={classes.done}>
              <IconCheck size={16} aria-hidden /> {t('isDone')}
            </Text>
          ) : (
            <ButtonLink href="/setup/session-types">{t('makeType')}</ButtonLink>
          )}
        </li>
        <li>
          <Title order={3}>{t('firstSession')}</Title>
          <Text size="sm" c="var(--quiet)" mb="sm">
            {t('firstSessionHint')}
          </Text>
          <ButtonLink href="/calendar?new" variant={hasType ? 'filled' : 'default'}>
            {t('book')}
          </ButtonLink>
        </li>
      </ol>
    </section>
  )
}

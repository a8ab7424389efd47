import { useTranslation } from 'react-i18next'
import { ButtonLink } from '~/ui/ButtonLink'
import { EmptyState } from '~/ui/EmptyState'

export function NotFound() {
  const { t } = useTranslation('app')
  return (
    <EmptyState title={t('notFound')} hint={t('notFoundHint')} level={1}>
      <ButtonLink href="/calendar">{t('toCalendar')}</ButtonLink>
    </EmptyState>
  )
}

// What is told to whom and how; `?template=` shows the words of one message instead.
import { Skeleton } from '@mantine/core'
import { lazy } from 'react'
import { useTranslation } from 'react-i18next'
import { useSearchParams } from 'wouter'
import { Failure } from '~/ui/Failure'
import { Part } from '../parts/Part'
import { useNotificationSettings } from './kinds'
import { SettingsForm } from './SettingsForm'

const Templates = lazy(() => import('./Templates'))

export default function Notifications() {
  const { t } = useTranslation('setup')
  const [search] = useSearchParams()
  const settings = useNotificationSettings()
  const wanted = search.get('template')
  if (wanted) return <Templates wanted={wanted} />
  if (settings.data) return <SettingsForm settings={settings.data} />
  return (
    <Part title={t('tab_notifications')} hint={t('notificationsHint')}>
      {settings.isError ? (
        <Failure error={settings.error} onRetry={() => void settings.refetch()} />
      ) : (
        <Skeleton h={400} />
      )}
    </Part>
  )
}

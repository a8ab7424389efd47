// The calendars that sessions lie on, each with its hours.
import { Badge, Button, Skeleton } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import type { Calendar } from '~/api/types'
import { useAccount, useCalendars } from '~/app/account'
import { Failure } from '~/ui/Failure'
import { IconPlus } from '~/ui/icons'
import { Dot } from '../parts/Dot'
import { useOpened } from '../parts/opened'
import { Part } from '../parts/Part'
import rows from '../parts/Rows.module.css'
import { TextLink } from '../parts/TextLink'
import { PLANS } from '../plan/plans'
import { inShort } from './summary'

const CalendarForm = lazy(() => import('./CalendarForm'))

export default function Calendars() {
  const { t } = useTranslation('setup')
  const account = useAccount()
  const calendars = useCalendars()
  const { opened, open, begin, close } = useOpened()
  const edited = calendars.data?.find(({ id }) => id === opened)
  const most = PLANS[account.plan]?.calendars ?? null
  const full = most !== null && (calendars.data?.length ?? 0) >= most
  return (
    <Part
      title={t('tab_calendars')}
      hint={
        <>
          {t('calendarsHint')}{' '}
          {most !== null && (
            <>
              {t('calendarsLimit', { plan: account.plan, count: most })}{' '}
              {full && <TextLink href="/setup/plan">{t('seePlan')}</TextLink>}
            </>
          )}
        </>
      }
      action={
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={begin} disabled={full}>
          {t('newCalendar')}
        </Button>
      }
    >
      {calendars.isPending && <Skeleton h={112} />}
      {calendars.isError && <Failure error={calendars.error} onRetry={() => void calendars.refetch()} />}
      {calendars.data && (
        <ul className={rows.rows}>
          {calendars.data.map((calendar) => (
            <Row key={calendar.id} calendar={calendar} onOpen={() => open(calendar.id)} />
          ))}
        </ul>
      )}
      <Suspense fallback={null}>
        {(opened === 'new' || edited) && <CalendarForm key={opened} calendar={edited} onClose={close} />}
      </Suspense>
    </Part>
  )
}

function Row({ calendar, onOpen }: { calendar: Calendar; onOpen: () => void }) {
  const { t } = useTranslation('setup')
  return (
    <li className={rows.row}>
      <Dot color={calendar.color} />
      <div className={rows.name}>
        <button type="button" onClick={onOpen}>
          {calendar.name}
        </button>
        {calendar.is_default && (
          <Badge ml="sm" tt="none" variant="outline" color="gray">
            {t('default')}
          </Badge>
        )}
        <div className={rows.more}>{inShort(calendar, t)}</div>
      </div>
    </li>
  )
}

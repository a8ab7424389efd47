// Everything that a provider sets once and seldom changes, a part at a time.
import './words'
import { NativeSelect, NavLink, Skeleton, Stack } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, Redirect, useLocation } from 'wouter'
import { Boundary } from '~/ui/Boundary'
import { Page } from '~/ui/Page'
import { mayLeave } from './parts/unsaved'
import classes from './SetupPage.module.css'

const TABS = {
  'session-types': lazy(() => import('./types/SessionTypes')),
  calendars: lazy(() => import('./calendars/Calendars')),
  'blocked-times': lazy(() => import('./blocked/BlockedTimes')),
  booking: lazy(() => import('./booking/OnlineBooking')),
  notifications: lazy(() => import('./notifications/Notifications')),
  payments: lazy(() => import('./payments/Payments')),
  plan: lazy(() => import('./plan/Plan')),
}

type Tab = keyof typeof TABS

const NAMES = Object.keys(TABS) as Tab[]

export default function SetupPage({ tab = 'session-types' }: { tab?: string }) {
  const { t } = useTranslation('setup')
  const [, navigate] = useLocation()
  const here = NAMES.find((name) => name === tab)
  if (!here) return <Redirect to="/setup" replace />
  const Shown = TABS[here]
  return (
    <Page title={t('title')}>
      <div className={classes.columns}>
        <nav aria-label={t('parts')} className={classes.parts}>
          {NAMES.map((name) => (
            <NavLink
              key={name}
              component={Link}
              href={`/setup/${name}`}
              label={t(`tab_${name}`)}
              active={name === here}
              aria-current={name === here ? 'page' : undefined}
              className={classes.part}
            />
          ))}
        </nav>
        <NativeSelect
          className={classes.choice}
          aria-label={t('parts')}
          value={here}
          onChange={({ currentTarget: { value } }) => mayLeave() && navigate(`/setup/${value}`)}
          data={NAMES.map((name) => ({ value: name, label: t(`tab_${name}`) }))}
        />
        <div className={classes.shown}>
          <Boundary key={here}>
            <Suspense fallback={<Wait />}>
              <Shown />
            </Suspense>
          </Boundary>
        </div>
      </div>
    </Page>
  )
}

function Wait() {
  return (
    <Stack>
      <Skeleton h={24} w={208} />
      <Skeleton h={160} />
    </Stack>
  )
}

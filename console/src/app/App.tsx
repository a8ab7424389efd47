// Which page an address shows, and what all of them stand on.
import './words'
import './nonce'
import { Center, Loader, MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryClientProvider } from '@tanstack/react-query'
import { Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { Redirect, Route, Switch } from 'wouter'
import { SignedIn } from '~/auth/SignedIn'
import { Boundary } from '~/ui/Boundary'
import { later } from '~/ui/later'
import { NotFound } from './NotFound'
import { nonce } from './nonce'
import { queries } from './queries'
import { Shell } from './Shell'
import { theme } from './theme'

const CalendarPage = later(() => import('~/features/calendar/CalendarPage'))
const ClientsPage = later(() => import('~/features/clients/ClientsPage'))
const ClientPage = later(() => import('~/features/clients/ClientPage'))
const DashboardPage = later(() => import('~/features/dashboard/DashboardPage'))
const SetupPage = later(() => import('~/features/setup/SetupPage'))
const OperationsPage = later(() => import('~/features/operations/OperationsPage'))
const BookingPage = later(() => import('~/features/booking/BookingPage'))
const ManagePage = later(() => import('~/features/booking/ManagePage'))
const SignInCallback = later(() => import('~/auth/SignInCallback'))

export function App() {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={queries}>
        <Notifications position="bottom-center" containerWidth={480} />
        <Boundary>
          <Suspense fallback={<Wait />}>
            <Switch>
              <Route path="/book/:username">{({ username }) => <BookingPage username={username} />}</Route>
              <Route path="/manage/:token">{({ token }) => <ManagePage token={token} />}</Route>
              <Route path="/sign-in/callback" component={SignInCallback} />
              <Route>
                <SignedIn>
                  <Provider />
                </SignedIn>
              </Route>
            </Switch>
          </Suspense>
        </Boundary>
      </QueryClientProvider>
    </MantineProvider>
  )
}

/** What the provider sees. */
function Provider() {
  return (
    <Shell>
      <Boundary>
        <Suspense fallback={<Wait />}>
          <Switch>
            <Route path="/">
              <Redirect to="/calendar" replace />
            </Route>
            <Route path="/calendar" component={CalendarPage} />
            <Route path="/clients" component={ClientsPage} />
            <Route path="/clients/:id">{({ id }) => <ClientPage id={id} />}</Route>
            <Route path="/dashboard" component={DashboardPage} />
            <Route path="/setup/:tab?">{({ tab }) => <SetupPage tab={tab} />}</Route>
            <Route path="/operations" component={OperationsPage} />
            <Route component={NotFound} />
          </Switch>
        </Suspense>
      </Boundary>
    </Shell>
  )
}

function Wait() {
  const { t } = useTranslation('app')
  return (
    <Center h="100%" mih={240}>
      <Loader aria-label={t('loading')} role="status" />
    </Center>
  )
}

import { Page } from '~/ui/Page'

export default function BookingPage({ username }: { username: string }) {
  return <Page title={username}>…</Page>
}

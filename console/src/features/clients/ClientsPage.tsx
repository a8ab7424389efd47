import { Page } from '~/ui/Page'

export default function ClientsPage() {
  return <Page title="ClientsPage">…</Page>
}

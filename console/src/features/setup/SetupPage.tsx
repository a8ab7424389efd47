import { Page } from '~/ui/Page'

export default function SetupPage({ tab }: { tab?: string }) {
  return <Page title={tab}>…</Page>
}

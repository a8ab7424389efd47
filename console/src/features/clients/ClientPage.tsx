import { Page } from '~/ui/Page'

export default function ClientPage({ id }: { id: string }) {
  return <Page title={id}>…</Page>
}

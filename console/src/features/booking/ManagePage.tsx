import { Page } from '~/ui/Page'

export default function ManagePage({ token }: { token: string }) {
  return <Page title={token}>…</Page>
}

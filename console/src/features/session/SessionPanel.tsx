// Everything on one session, at the right of whatever page it was opened from.
import { Anchor, Skeleton, Stack } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { Problem } from '~/api/problem'
import type { Session } from '~/api/types'
import { EmptyState } from '~/ui/EmptyState'
import { Failure } from '~/ui/Failure'
import { SideDrawer } from '~/ui/SideDrawer'
import { CancelForm } from './CancelForm'
import { DuplicateForm } from './DuplicateForm'
import { isDeleted } from './names'
import { Overview } from './Overview'
import { useSession } from './queries'
import { RefundForm } from './RefundForm'
import { RescheduleForm } from './RescheduleForm'
import { RestoreForm } from './RestoreForm'
import type { FormName } from './rules'
import './words'

export default function SessionPanel({ sessionId, onClose }: { sessionId: string; onClose: () => void }) {
  const { t } = useTranslation('session')
  const session = useSession(sessionId)
  return (
    <SideDrawer opened onClose={onClose} title={session.data ? <Client session={session.data} /> : t('session')}>
      {session.isPending && <Waiting />}
      {session.isError && !session.data && <Missing error={session.error} onRetry={() => void session.refetch()} />}
      {session.data && (
        <>
          {session.isError && <Failure error={session.error} onRetry={() => void session.refetch()} />}
          <Content key={sessionId} session={session.data} />
        </>
      )}
    </SideDrawer>
  )
}

/** The overview, or the form of an action in its place. */
function Content({ session }: { session: Session }) {
  const [form, setForm] = useState<FormName>()
  const [returned, setReturned] = useState(false)
  const back = () => {
    setReturned(true)
    setForm(undefined)
  }
  if (form === 'cancel') return <CancelForm session={session} onDone={back} />
  if (form === 'reschedule') return <RescheduleForm session={session} onDone={back} />
  if (form === 'duplicate') return <DuplicateForm session={session} onDone={back} />
  if (form === 'restore') return <RestoreForm session={session} onDone={back} />
  if (form === 'refund') return <RefundForm session={session} onDone={back} />
  return <Overview session={session} onForm={setForm} focused={returned} />
}

function Client({ session }: { session: Session }) {
  const { t } = useTranslation('app')
  if (isDeleted(session)) return t('deletedClient')
  return (
    <Anchor component={Link} href={`/clients/${session.client_id}`} c="inherit" inherit>
      {session.client.name}
    </Anchor>
  )
}

function Missing({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const { t } = useTranslation('session')
  if (error instanceof Problem && error.status === 404)
    return <EmptyState level={3} title={t('unknown')} hint={t('unknownHint')} />
  return <Failure error={error} onRetry={onRetry} />
}

function Waiting() {
  const { t } = useTranslation('app')
  return (
    <Stack gap="md" role="status" aria-label={t('loading')}>
      <Skeleton height={24} width="60%" />
      <Skeleton height={96} />
      <Skeleton height={40} width="80%" />
      <Skeleton height={128} />
    </Stack>
  )
}

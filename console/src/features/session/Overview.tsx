// The session as it stands, with what can be done about it.
import { useEffect, useRef } from 'react'
import type { Session } from '~/api/types'
import { Actions } from './Actions'
import { DepositPart } from './DepositPart'
import { Head } from './Head'
import { HistoryPart } from './HistoryPart'
import { MessagesPart } from './MessagesPart'
import { NotesPart } from './NotesPart'
import classes from './panel.module.css'
import type { FormName } from './rules'
import { StandsBy } from './StandsBy'

export function Overview({
  session,
  onForm,
  focused,
}: {
  session: Session
  onForm: (form: FormName) => void
  focused: boolean
}) {
  const top = useRef<HTMLDivElement>(null)
  // The form that had the focus is gone.
  useEffect(() => {
    if (focused) top.current?.focus({ preventScroll: true })
  }, [focused])
  return (
    <div className={classes.panel} ref={top} tabIndex={-1} style={{ outline: 'none' }}>
      <Head session={session} />
      <StandsBy session={session} />
      <Actions session={session} onForm={onForm} />
      <DepositPart session={session} onRefund={() => onForm('refund')} />
      <NotesPart session={session} />
      <MessagesPart session={session} />
      <HistoryPart session={session} />
    </div>
  )
}

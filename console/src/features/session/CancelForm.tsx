// Cancelling: an optional reason, how many of a series, and with a paid deposit what becomes of the money.
import { Button, Group, Text, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, scheduling } from '~/api/client'
import { useKeyFor } from '~/api/keyFor'
import { Problem } from '~/api/problem'
import type { Session } from '~/api/types'
import { done } from '~/ui/toast'
import { Form } from './Form'
import { useOvertaken } from './overtaken'
import { keys, take } from './queries'
import { RefundDecision } from './RefundDecision'
import { Refusal } from './Refusal'
import { restore } from './RestoreForm'
import { holdsMoney, undecided } from './rules'
import { type Scope, ScopeField } from './ScopeField'
import { SeriesDecision } from './SeriesDecision'

export type Decision = { refund?: 'refund' | 'skip'; refund_quote_id?: string }

export function CancelForm({ session, onDone }: { session: Session; onDone: () => void }) {
  const { t } = useTranslation('session')
  const queries = useQueryClient()
  const keyFor = useKeyFor()
  const overtaken = useOvertaken(session, onDone)
  // What stands at the beginning decides what this form is: the session changes under it at the end.
  const [deciding] = useState(() => undecided(session))
  const [reason, setReason] = useState('')
  const [scope, setScope] = useState<Scope>('this')
  const several = scope !== 'this'
  const cancel = useMutation({
    mutationFn: (decision: Decision) => {
      const sent = {
        ...decision,
        ...(!deciding && { reason: reason.trim() || null }),
        ...(session.series_id && { scope }),
      }
      return body(
        scheduling.POST('/v1/sessions/{session_id}/cancel', {
          params: { path: { session_id: session.id }, header: keyFor(sent) },
          body: sent,
        }),
      )
    },
    onSuccess: (answer, { refund }) => {
      take(queries, answer)
      const undo = () => restore(session.id).then((undone) => take(queries, undone))
      // What is on its way back cannot be called back; of a series each would have to be restored by itself.
      const final = several || deciding || (refund === 'refund' && holdsMoney(session))
      done(t(deciding ? 'decided' : several ? 'cancelledSeveral' : 'cancelled'), final ? undefined : undo)
      onDone()
    },
    onError: (error) => {
      overtaken(error)
      // The quote ran out: what it says is not so any more.
      if (error instanceof Problem && error.code === 'quote_expired')
        void queries.invalidateQueries({ queryKey: keys.quote(session.id) })
    },
  })
  const problem = cancel.error instanceof Problem ? cancel.error : undefined
  const asked = problem?.code === 'refund_decision_required' ? (problem.details.deposits ?? []) : undefined
  const byQuote = !several && (holdsMoney(session) || asked !== undefined)
  const bySeries = several && asked !== undefined
  return (
    <Form title={t(deciding ? 'form_decide' : 'cancelTitle')} onBack={onDone}>
      <Text size="sm">{t(deciding ? 'decideHint' : 'cancelHint')}</Text>
      {session.series_id && !deciding && (
        <ScopeField
          value={scope}
          onChange={(chosen) => {
            cancel.reset()
            setScope(chosen)
          }}
        />
      )}
      {!deciding && (
        <Textarea
          label={t('reasonOptional')}
          description={t('cancelReasonHint')}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          maxLength={1000}
          autosize
          minRows={2}
          error={problem?.field('/reason')}
        />
      )}
      {cancel.error && problem?.code !== 'refund_decision_required' && !problem?.field('/reason') && (
        <Refusal error={cancel.error} />
      )}
      {byQuote && (
        <RefundDecision
          session={session}
          deciding={deciding}
          pending={cancel.isPending ? cancel.variables : undefined}
          onDecide={cancel.mutate}
        />
      )}
      {bySeries && (
        <SeriesDecision
          deposits={asked}
          pending={cancel.isPending ? cancel.variables : undefined}
          onDecide={cancel.mutate}
        />
      )}
      {!byQuote && !bySeries && (
        <Group gap="sm">
          <Button color="red.9" loading={cancel.isPending} onClick={() => cancel.mutate({})}>
            {t(several ? 'cancelSeveralNow' : 'cancelNow')}
          </Button>
        </Group>
      )}
    </Form>
  )
}

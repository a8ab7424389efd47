// Asks once more before a deposit counts as paid in cash: there is no way back from it.
import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { body, payments } from '~/api/client'
import { useKeyFor } from '~/api/keyFor'
import { Problem } from '~/api/problem'
import type { Deposit, Session } from '~/api/types'
import { money } from '~/i18n/format'
import { done } from '~/ui/toast'
import { useOvertaken } from './overtaken'
import { follow } from './queries'
import { Refusal } from './Refusal'

export function CashForm({ session, deposit, onDone }: { session: Session; deposit: Deposit; onDone: () => void }) {
  const { t } = useTranslation('session')
  const queries = useQueryClient()
  const keyFor = useKeyFor()
  const overtaken = useOvertaken(session, onDone)
  const due = deposit.due_amount || deposit.amount
  const mark = useMutation({
    mutationFn: () =>
      body(
        payments.POST('/v1/deposits/{deposit_id}/mark-paid', {
          params: { path: { deposit_id: deposit.id }, header: keyFor('cash') },
          body: { amount: null },
        }),
      ),
    onSuccess: () => {
      follow(queries, session)
      done(t('markedPaid'))
      onDone()
    },
    onError: overtaken,
  })
  return (
    <Stack gap="sm">
      <Text size="sm">{t('cashAsked', { due: money({ amount: due, currency: deposit.currency }) })}</Text>
      {mark.isError &&
        // Payments asks for patience, too, while the client has the page to pay open.
        (mark.error instanceof Problem && mark.error.status === 503 ? (
          <Text size="sm" role="alert">
            {t('refusal_paying')}
          </Text>
        ) : (
          <Refusal error={mark.error} currency={deposit.currency} />
        ))}
      <Group gap="sm">
        <Button size="xs" data-autofocus loading={mark.isPending} onClick={() => mark.mutate()}>
          {t('cashYes')}
        </Button>
        <Button size="xs" variant="default" onClick={onDone}>
          {t('back')}
        </Button>
      </Group>
    </Stack>
  )
}

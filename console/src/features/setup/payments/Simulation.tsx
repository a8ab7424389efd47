// What a client would get back of a round sum, by how long before the start they cancel: as steps, and in figures.
import { Skeleton, Table, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { body, payments } from '~/api/client'
import { Problem } from '~/api/problem'
import { useAccount } from '~/app/account'
import { digits, money, percent } from '~/i18n/format'
import { Failure } from '~/ui/Failure'
import { fieldErrors } from '../parts/saving'
import classes from './Payments.module.css'
import { type Policy, policyBody } from './policy'
import { StepChart } from './StepChart'

const PAUSE_MS = 300
const ROUND_SUM = 50

export function Simulation({
  policy,
  onRefused,
}: {
  policy: Policy
  onRefused: (errors: Record<string, string>) => void
}) {
  const { t } = useTranslation('setup')
  const { currency } = useAccount()
  const [typed] = useDebouncedValue(JSON.stringify(policyBody(policy)), PAUSE_MS)
  const amount = ROUND_SUM * 10 ** digits(currency)
  const simulation = useQuery({
    queryKey: ['refund-simulation', typed, amount],
    queryFn: () => body(payments.POST('/v1/settings/simulate', { body: { ...JSON.parse(typed), amount } })),
    placeholderData: keepPreviousData,
    retry: false,
  })
  const { data, error } = simulation
  useEffect(() => onRefused(fieldErrors(error)), [error, onRefused])
  const refused = error instanceof Problem && error.status === 422
  const sum = money({ amount, currency })
  return (
    <section aria-label={t('simulation', { amount: sum })}>
      <Text size="sm" fw={600} mb="sm">
        {t('simulation', { amount: sum })}
      </Text>
      {error && !refused && <Failure error={error} onRetry={() => void simulation.refetch()} />}
      {refused && (
        <Text size="sm" mb="sm" role="status">
          {t('simulationOld')}
        </Text>
      )}
      {!data && !error && <Skeleton h={240} />}
      {data && (
        <>
          <StepChart steps={data.data.map(({ hours_before, percentage }) => ({ hours: hours_before, percentage }))} />
          <Table className={classes.figures} verticalSpacing={4}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('cancelledBefore')}</Table.Th>
                <Table.Th>{t('clientCancelsGets')}</Table.Th>
                {policy.provider && <Table.Th>{t('providerCancelsGets')}</Table.Th>}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.data.map((step) => (
                <Table.Tr key={step.hours_before}>
                  <Table.Th scope="row">{t('hours', { count: step.hours_before })}</Table.Th>
                  <Table.Td>
                    {money({ amount: step.amount, currency })} · {percent(step.percentage / 100)}
                  </Table.Td>
                  {policy.provider && <Table.Td>{money({ amount: step.provider_amount, currency })}</Table.Td>}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </>
      )}
    </section>
  )
}

// Why the service would not do something, where there is more to say than the service says.
import { Alert } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Problem } from '~/api/problem'
import { Failure } from '~/ui/Failure'
import { IconInfoCircle } from '~/ui/icons'
import { PlanRefusal } from '~/ui/PlanRefusal'
import { isPlans, why } from '~/ui/why'

/** Field errors stand at their fields; the plan's limits lead to the plan; everything else is said as it is. */
export function Refusal({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  const { t } = useTranslation('clients')
  if (error instanceof Problem && error.code === 'stale') {
    return (
      <Alert color="yellow" role="alert" icon={<IconInfoCircle aria-hidden />}>
        {t('stale')}
      </Alert>
    )
  }
  if (isPlans(error)) return <PlanRefusal words={why(error)} />
  if (error instanceof Problem && error.code === 'invalid' && error.details.errors?.some(({ pointer }) => pointer)) {
    return (
      <Alert color="red" role="alert" icon={<IconInfoCircle aria-hidden />}>
        {t('lookAtFields')}
      </Alert>
    )
  }
  return <Failure error={error} onRetry={onRetry} />
}

// Why a form was not taken, where no single field is to blame.
import { Alert, Box } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Problem } from '~/api/problem'
import { Failure } from '~/ui/Failure'
import { PlanRefusal } from '~/ui/PlanRefusal'
import { isPlans, why } from '~/ui/why'

export function Refusal({ error, told = [] }: { error: Error | null; told?: string[] }) {
  const { t } = useTranslation('setup')
  if (error === null) return null
  if (error instanceof Problem) {
    // What stands at its field already is not said twice.
    const rest = error.details.errors?.filter(({ pointer }) => !told.some((name) => pointer.startsWith(name)))
    if (rest?.length === 0) return null
    if (isPlans(error))
      return (
        <Box my="md">
          <PlanRefusal words={why(error)} />
        </Box>
      )
    if (error.code === 'stale')
      return (
        <Alert color="yellow" role="alert" my="md">
          {t('stale')}
        </Alert>
      )
    if (rest && rest.length > 0)
      return (
        <Alert color="red" role="alert" my="md">
          {rest.map(({ pointer, detail }) => `${pointer.slice(1)}: ${detail}`).join(' ')}
        </Alert>
      )
  }
  return <Failure error={error} />
}

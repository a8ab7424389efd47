// That the plan does not include it, and which has it; the plans open beside, so that what was typed stays.
import { Alert, Anchor } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { IconLock } from '~/ui/icons'

export function PlanRefusal({ words }: { words: string }) {
  return (
    <Alert color="yellow" role="alert" icon={<IconLock aria-hidden />}>
      {words} <ToPlans />
    </Alert>
  )
}

export function ToPlans() {
  const { t } = useTranslation('app')
  return (
    <Anchor href="/setup/plan" target="_blank" inherit c="inherit" underline="always">
      {t('seePlans')}
    </Anchor>
  )
}

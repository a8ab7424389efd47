// A tag that shows everybody who has it.
import { UnstyledButton } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import classes from './clients.module.css'

export function TagButton({ tag, pressed, onPress }: { tag: string; pressed?: boolean; onPress: () => void }) {
  const { t } = useTranslation('clients')
  return (
    <UnstyledButton className={classes.pill} aria-pressed={pressed} title={t('withTag', { tag })} onClick={onPress}>
      {tag}
    </UnstyledButton>
  )
}

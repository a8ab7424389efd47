// The client's link to pay, to be handed on by other ways than the email.
import { Anchor, Button, CopyButton } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { IconCheck, IconCopy } from '~/ui/icons'
import classes from './panel.module.css'

export function PaymentLink({ url }: { url: string }) {
  const { t } = useTranslation('session')
  return (
    <div className={classes.link}>
      <Anchor href={url} target="_blank" rel="noreferrer" size="sm">
        {t('paymentLink')}
      </Anchor>
      <CopyButton value={url}>
        {({ copied, copy }) => (
          <Button
            variant="subtle"
            size="compact-xs"
            onClick={copy}
            leftSection={copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
          >
            {copied ? t('copied') : t('copyLink')}
          </Button>
        )}
      </CopyButton>
    </div>
  )
}

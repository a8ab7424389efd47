// Why a client may not be reached, by word and shape.

import { useTranslation } from 'react-i18next'
import type { Client } from '~/api/types'
import { IconBellOff, IconMailX, IconMessageOff } from '~/ui/icons'
import classes from './clients.module.css'

export function ContactMarks({ client }: { client: Client }) {
  const { t } = useTranslation('clients')
  const marks = [
    client.email_bounced_at && { word: t('bounced'), Shape: IconMailX },
    !client.contact.email && { word: t('noEmail'), Shape: IconBellOff },
    !client.contact.sms && { word: t('noSms'), Shape: IconMessageOff },
  ].filter((mark) => mark !== false && mark !== null && mark !== '')
  if (marks.length === 0) return null
  return (
    <span className={classes.marks}>
      {marks.map(({ word, Shape }) => (
        <span key={word} className={classes.mark}>
          <Shape size={16} stroke={1.8} aria-hidden />
          {word}
        </span>
      ))}
    </span>
  )
}

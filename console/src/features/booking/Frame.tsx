// The frame of the pages for clients: the content, and a quiet foot that says whose work the page is.

import type { ReactNode } from 'react'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import icon from '~/app/icon.svg'
import classes from './booking.module.css'

export function Frame({ title, children, narrow = false }: { title?: string; children: ReactNode; narrow?: boolean }) {
  const { t } = useTranslation('booking')
  useEffect(() => {
    document.title = title ? `${title} · Timeblu` : 'Timeblu'
  }, [title])
  return (
    <div className={classes.frame}>
      <main className={narrow ? classes.narrow : classes.wide}>{children}</main>
      <footer className={classes.foot}>
        <img src={icon} alt="" width={16} height={16} />
        <span>{t('poweredBy')}</span>
      </footer>
    </div>
  )
}

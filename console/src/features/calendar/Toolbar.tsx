// The row above the grid: where in time, which view, and what is shown.
import { ActionIcon, Button, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { IconChevronLeft, IconChevronRight, IconPlus } from '~/ui/icons'
import classes from './Toolbar.module.css'
import { VIEWS, type View } from './views'

type Props = {
  title: string
  view: View
  onView: (view: View) => void
  onToday: () => void
  onStep: (by: 1 | -1) => void
  onNew: () => void
  children: ReactNode
}

export function Toolbar({ title, view, onView, onToday, onStep, onNew, children }: Props) {
  const { t } = useTranslation('calendar')
  return (
    <div className={classes.bar}>
      <div className={classes.where}>
        <Button variant="default" onClick={onToday}>
          {t('today')}
        </Button>
        <ActionIcon variant="subtle" color="gray" size={36} aria-label={t('previous')} onClick={() => onStep(-1)}>
          <IconChevronLeft size={20} aria-hidden />
        </ActionIcon>
        <ActionIcon variant="subtle" color="gray" size={36} aria-label={t('next')} onClick={() => onStep(1)}>
          <IconChevronRight size={20} aria-hidden />
        </ActionIcon>
      </div>
      <Title order={1} className={classes.title} aria-live="polite">
        {title}
      </Title>
      <div className={classes.show}>
        {children}
        <div className={classes.views} role="radiogroup" aria-label={t('view')}>
          {VIEWS.map((one) => (
            <label key={one} className={classes.view}>
              <input type="radio" name="view" value={one} checked={view === one} onChange={() => onView(one)} />
              <span>{t(one)}</span>
            </label>
          ))}
        </div>
      </div>
      <Button className={classes.add} leftSection={<IconPlus size={18} aria-hidden />} onClick={onNew}>
        {t('newSession')}
      </Button>
    </div>
  )
}

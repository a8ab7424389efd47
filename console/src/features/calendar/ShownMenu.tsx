// What the calendar shows: calendars to switch on and off, and cancelled sessions.
import { Button, Popover } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { IconAdjustmentsHorizontal } from '~/ui/icons'
import type { ShownChoices as Choices } from './ShownChoices'
import classes from './Toolbar.module.css'

const ShownChoices = lazy(() => import('./ShownChoices').then((file) => ({ default: file.ShownChoices })))

export function ShownMenu(props: Parameters<typeof Choices>[0]) {
  const { t } = useTranslation('calendar')
  const { calendars, hidden } = props
  const shown = calendars.filter(({ id }) => !hidden.has(id)).length
  const several = calendars.length > 1
  const counts = several && shown < calendars.length
  const label = several ? t('calendars') : t('display')
  return (
    <Popover position="bottom-end" width={256} trapFocus returnFocus>
      <Popover.Target>
        <Button
          variant="default"
          aria-label={counts ? t('calendarsShown', { shown, all: calendars.length }) : label}
          px="sm"
        >
          <IconAdjustmentsHorizontal size={18} aria-hidden />
          <span className={classes.label}>
            {label}
            {counts && ` ${shown}/${calendars.length}`}
          </span>
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={label}>
        <Suspense fallback={null}>
          <ShownChoices {...props} />
        </Suspense>
      </Popover.Dropdown>
    </Popover>
  )
}

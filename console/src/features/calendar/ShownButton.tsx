// The button beside the views; what it opens comes when it is first asked for.
import { Button, type ButtonProps } from '@mantine/core'
import { type ComponentPropsWithRef, lazy, Suspense, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Calendar } from '~/api/types'
import { IconAdjustmentsHorizontal } from '~/ui/icons'
import classes from './Toolbar.module.css'

const ShownMenu = lazy(() => import('./ShownMenu'))

export type Choices = {
  calendars: readonly Calendar[]
  hidden: ReadonlySet<string>
  onToggle: (id: string) => void
  withCancelled: boolean
  onCancelled: () => void
}

export function ShownButton(choices: Choices) {
  const [asked, setAsked] = useState(false)
  const closed = <Face calendars={choices.calendars} hidden={choices.hidden} onClick={() => setAsked(true)} />
  if (!asked) return closed
  return (
    <Suspense fallback={closed}>
      <ShownMenu {...choices} />
    </Suspense>
  )
}

type FaceProps = Pick<Choices, 'calendars' | 'hidden'> & ButtonProps & Omit<ComponentPropsWithRef<'button'>, 'hidden'>

export function Face({ calendars, hidden, ...rest }: FaceProps) {
  const { t } = useTranslation('calendar')
  const shown = calendars.filter(({ id }) => !hidden.has(id)).length
  const several = calendars.length > 1
  const counts = several && shown < calendars.length
  const label = several ? t('calendars') : t('display')
  return (
    <Button
      variant="default"
      aria-label={counts ? t('calendarsShown', { shown, all: calendars.length }) : label}
      aria-haspopup="dialog"
      px="sm"
      {...rest}
    >
      <IconAdjustmentsHorizontal size={18} aria-hidden />
      <span className={classes.label}>
        {label}
        {counts && ` ${shown}/${calendars.length}`}
      </span>
    </Button>
  )
}

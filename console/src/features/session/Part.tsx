// A part of the panel under its heading.
import { Title } from '@mantine/core'
import { type ReactNode, useId } from 'react'
import classes from './panel.module.css'

export function Part({ title, action, children }: { title: ReactNode; action?: ReactNode; children: ReactNode }) {
  const id = useId()
  return (
    <section className={classes.part} aria-labelledby={id}>
      <div className={classes.partHead}>
        <Title order={3} id={id}>
          {title}
        </Title>
        {action}
      </div>
      {children}
    </section>
  )
}

// What is wider than a phone: scrolled sideways, by keyboard too, while the page itself stays as it is.
import type { ReactNode } from 'react'
import classes from './operations.module.css'

export function Sideways({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className={classes.sideways} tabIndex={0} aria-label={label}>
      {children}
    </section>
  )
}

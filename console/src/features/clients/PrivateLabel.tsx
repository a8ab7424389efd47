// Marks what never leaves the practice.

import type { ReactNode } from 'react'
import { IconLock } from '~/ui/icons'
import classes from './clients.module.css'

export function PrivateLabel({ children }: { children: ReactNode }) {
  return (
    <span className={classes.private}>
      <IconLock size={16} stroke={1.8} aria-hidden />
      {children}
    </span>
  )
}

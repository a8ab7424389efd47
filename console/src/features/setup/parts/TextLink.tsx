// A link within the page, as a part of a sentence.
import { Anchor } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'wouter'

export function TextLink({ href, children, ...props }: { href: string; children: ReactNode; 'aria-label'?: string }) {
  return (
    <Anchor component={Link} href={href} inherit underline="always" {...props}>
      {children}
    </Anchor>
  )
}

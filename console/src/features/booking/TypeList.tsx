// The first step: what a practice offers.

import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { money } from '~/i18n/format'
import { IconChevronRight } from '~/ui/icons'
import { written } from './address'
import classes from './booking.module.css'
import type { Offered } from './offers'
import { Price } from './Price'

export function TypeList({ path, types, tz }: { path: string; types: Offered[]; tz?: string }) {
  const { t } = useTranslation('booking')
  return (
    <ul className={classes.types} aria-label={t('types')}>
      {types.map((type) => (
        <li key={type.id}>
          <Link href={path + written({ type: type.id, tz })} className={classes.type}>
            <span className={classes.dot} style={{ background: type.color }} aria-hidden />
            <span className={classes.typeText}>
              <span className={classes.typeName}>{type.name}</span>
              {type.description && <span className={classes.quiet}>{type.description}</span>}
              <span className={classes.typeFacts}>
                <span>{t('minutes', { count: type.duration_minutes })}</span>
                <span>
                  <Price price={type.price} />
                </span>
                {type.deposit && <span>{t('depositNow', { amount: money(type.deposit) })}</span>}
              </span>
            </span>
            <IconChevronRight size={20} stroke={1.6} aria-hidden className={classes.quiet} />
          </Link>
        </li>
      ))}
    </ul>
  )
}

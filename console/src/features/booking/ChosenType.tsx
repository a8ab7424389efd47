// The left column: what is about to be booked, with whom, and when.
import { Anchor, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { money } from '~/i18n/format'
import { plusMinutes } from '~/i18n/zone'
import { IconArrowLeft, IconCalendarEvent, IconClock, IconCoin, IconCreditCard, IconUser } from '~/ui/icons'
import classes from './booking.module.css'
import type { Offered } from './offers'
import { Price } from './Price'
import { fromTo, wholeDay } from './when'

export function ChosenType({
  practice,
  type,
  back,
  specialist,
  at,
  zone,
  children,
}: {
  practice: string
  type: Offered
  /** Where the other session types are; none where this is the only one. */
  back?: string
  specialist?: string
  at?: string
  zone: string
  children?: ReactNode
}) {
  const { t } = useTranslation('booking')
  return (
    <section className={classes.what} aria-label={type.name}>
      {back && (
        <Anchor component={Link} href={back} size="sm" className={classes.back}>
          <IconArrowLeft size={16} stroke={1.8} aria-hidden />
          {t('backToTypes')}
        </Anchor>
      )}
      <Text c="var(--quiet)" size="sm">
        {practice}
      </Text>
      <Title order={1} className={classes.typeTitle}>
        <span className={classes.dot} style={{ background: type.color }} aria-hidden />
        {type.name}
      </Title>
      {type.description && <Text mb="md">{type.description}</Text>}
      <ul className={classes.facts}>
        {at && (
          <Fact icon={<IconCalendarEvent {...ICON} />}>
            <strong>{wholeDay(at, zone)}</strong>
            <br />
            {fromTo(at, plusMinutes(at, type.duration_minutes), zone)}
            <br />
            <span className={classes.quiet}>{zone.replaceAll('_', ' ')}</span>
          </Fact>
        )}
        <Fact icon={<IconClock {...ICON} />}>{t('minutes', { count: type.duration_minutes })}</Fact>
        <Fact icon={<IconCoin {...ICON} />}>
          <Price price={type.price} />
        </Fact>
        {type.deposit && (
          <Fact icon={<IconCreditCard {...ICON} />}>{t('depositNow', { amount: money(type.deposit) })}</Fact>
        )}
        {specialist && <Fact icon={<IconUser {...ICON} />}>{specialist}</Fact>}
      </ul>
      {children}
    </section>
  )
}

const ICON = { size: 18, stroke: 1.6, 'aria-hidden': true } as const

function Fact({ icon, children }: { icon: ReactNode; children: ReactNode }) {
  return (
    <li className={classes.fact}>
      {icon}
      <span>{children}</span>
    </li>
  )
}

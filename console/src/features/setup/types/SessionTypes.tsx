// What the provider sells: the list of session types, each opened in a drawer.
import { Badge, Button, Skeleton } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import type { SessionType } from '~/api/types'
import { useAccount, useSessionTypes } from '~/app/account'
import { money } from '~/i18n/format'
import { EmptyState } from '~/ui/EmptyState'
import { Failure } from '~/ui/Failure'
import { IconPlus } from '~/ui/icons'
import { Dot } from '../parts/Dot'
import { useOpened } from '../parts/opened'
import { Part } from '../parts/Part'
import rows from '../parts/Rows.module.css'
import { depositOf } from './deposit'

const SessionTypeForm = lazy(() => import('./SessionTypeForm'))

export default function SessionTypes() {
  const { t } = useTranslation('setup')
  const types = useSessionTypes()
  const { opened, open, begin, close } = useOpened()
  const edited = types.data?.find(({ id }) => id === opened)
  const add = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={begin}>
      {t('newType')}
    </Button>
  )
  return (
    <Part title={t('tab_session-types')} hint={t('typesHint')} action={types.data?.length ? add : undefined}>
      {types.isPending && <Skeleton h={168} />}
      {types.isError && <Failure error={types.error} onRetry={() => void types.refetch()} />}
      {types.data?.length === 0 && (
        <EmptyState title={t('noTypes')} hint={t('noTypesHint')} level={3}>
          {add}
        </EmptyState>
      )}
      {types.data && types.data.length > 0 && (
        <ul className={rows.rows}>
          {types.data.map((type) => (
            <Row key={type.id} type={type} onOpen={() => open(type.id)} />
          ))}
        </ul>
      )}
      <Suspense fallback={null}>
        {(opened === 'new' || edited) && <SessionTypeForm key={opened} type={edited} onClose={close} />}
      </Suspense>
    </Part>
  )
}

function Row({ type, onOpen }: { type: SessionType; onOpen: () => void }) {
  const { t } = useTranslation('setup')
  const { currency } = useAccount()
  const deposit = depositOf(type)
  return (
    <li className={rows.row}>
      <Dot color={type.color} />
      <div className={rows.name}>
        <button type="button" onClick={onOpen}>
          {type.name}
        </button>
        {!type.active && (
          <Badge ml="sm" tt="none" color="gray">
            {t('paused')}
          </Badge>
        )}
        {type.online && (
          <Badge ml="sm" tt="none" variant="outline" color="gray">
            {t('online')}
          </Badge>
        )}
      </div>
      <div className={rows.figures}>
        <span className={rows.figure}>{t('app:minutes', { count: type.duration_minutes })}</span>
        <span className={rows.figure}>{type.price ? money(type.price) : t('app:free')}</span>
        <span className={rows.figure}>
          {deposit === null ? t('noDeposit') : t('depositOf', { amount: money({ amount: deposit, currency }) })}
        </span>
      </div>
    </li>
  )
}

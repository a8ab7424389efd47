// A status by word and by shape, never by colour alone.
import { Group, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { SessionStatus } from '~/api/types'
import {
  IconCheck,
  IconCircle,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleX,
  IconCreditCard,
  IconUserX,
} from '~/ui/icons'

const SHAPES = {
  pending: IconCircleDashed,
  confirmed: IconCircleCheck,
  completed: IconCheck,
  no_show: IconUserX,
  cancelled: IconCircleX,
}

export function statusShape(status: string) {
  return SHAPES[status as SessionStatus] ?? IconCircle
}

export function StatusMark({ status, size = 'sm' }: { status: string; size?: 'xs' | 'sm' }) {
  const { t } = useTranslation('app')
  const Shape = statusShape(status)
  return (
    <Group gap={4} wrap="nowrap" component="span" display="inline-flex">
      <Shape size={16} stroke={1.8} aria-hidden />
      <Text span size={size}>
        {t(status)}
      </Text>
    </Group>
  )
}

/** How a deposit stands, by its word. */
export function DepositMark({ status, size = 'sm' }: { status: string; size?: 'xs' | 'sm' }) {
  const { t } = useTranslation('app')
  return (
    <Group gap={4} wrap="nowrap" component="span" display="inline-flex">
      <IconCreditCard size={16} stroke={1.8} aria-hidden />
      <Text span size={size}>
        {t(`deposit_${status}`)}
      </Text>
    </Group>
  )
}

// How far a message has come, by word and by shape.
import { Group, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import {
  IconAlertTriangle,
  IconCheck,
  IconChecks,
  IconCircleMinus,
  IconCircleX,
  IconClock,
  IconQuestionMark,
} from '~/ui/icons'

const SHAPES: Record<string, typeof IconClock> = {
  planned: IconClock,
  queued: IconClock,
  sent: IconCheck,
  delivered: IconChecks,
  skipped: IconCircleMinus,
  cancelled: IconCircleX,
  failed: IconAlertTriangle,
  undelivered: IconAlertTriangle,
  unknown: IconQuestionMark,
}

export function MessageMark({ status }: { status: string }) {
  const { t } = useTranslation('session')
  const Shape = SHAPES[status] ?? IconQuestionMark
  return (
    <Group gap={4} wrap="nowrap" component="span" display="inline-flex">
      <Shape size={16} stroke={1.8} aria-hidden />
      <Text span size="sm">
        {t(`message_${status}`)}
      </Text>
    </Group>
  )
}

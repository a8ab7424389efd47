// What stands in the way of a time, what is free instead, and the way to take it on purpose.
import { Alert, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Alternative, Problem } from '~/api/problem'
import { useTimeZone } from '~/app/account'
import { day, dayAndTime, span } from '~/i18n/format'
import { IconCalendarX } from '~/ui/icons'
import { allowing, type Override, obstacles } from '../newsession/override'

const OUTSIDE = 'outside_working_hours'
const KINDS = new Set(['session', 'event', 'hold', OUTSIDE])

/** Whether somebody may still go on, by another time or on purpose. */
export function isConflict(error: unknown): error is Problem {
  return error instanceof Problem && (error.code === 'slot_taken' || error.code === OUTSIDE)
}

export function ConflictShown({
  problem,
  already,
  anyway,
  chosen,
  offered = true,
  pending,
  onAlternative,
  onAnyway,
}: {
  problem: Problem
  /** What was allowed before, of an earlier conflict. */
  already: Override
  anyway: string
  /** How an alternative is taken, as a sentence before the times. */
  chosen: string
  /** Whether what is free nearby helps. */
  offered?: boolean
  pending: boolean
  onAlternative: (alternative: Alternative) => void
  onAnyway: (override: Override) => void
}) {
  const { t } = useTranslation('session')
  const zone = useTimeZone()
  const [reason, setReason] = useState(already.override_reason ?? '')
  const [missing, setMissing] = useState(false)
  const conflicts = problem.details.conflicts ?? []
  const alternatives = offered ? (problem.details.alternatives ?? []) : []
  const go = () => {
    if (!reason.trim()) {
      setMissing(true)
      return
    }
    onAnyway(allowing(problem, reason, already))
  }
  return (
    <Stack gap="md">
      <Alert role="alert" color="yellow" icon={<IconCalendarX aria-hidden />}>
        <Text size="sm" fw={600}>
          {t(obstacles(problem).taken ? 'takenTitle' : 'outsideTitle')}
        </Text>
        {conflicts.map((conflict) => (
          <Text size="sm" key={`${conflict.kind} ${conflict.id ?? ''} ${conflict.starts_at}`}>
            {t('conflict', {
              what: KINDS.has(conflict.kind) ? t(`conflict_${conflict.kind}`) : conflict.kind,
              when: `${day(conflict.starts_at, zone)}, ${span(conflict.starts_at, conflict.ends_at, zone)}`,
            })}
          </Text>
        ))}
        {problem.code === OUTSIDE && <Text size="sm">{t('outsideHint')}</Text>}
      </Alert>
      {alternatives.length > 0 && (
        <Stack gap="sm" role="group" aria-label={chosen}>
          <Text size="sm" fw={500}>
            {chosen}
          </Text>
          <Group gap="sm">
            {alternatives.map((alternative) => (
              <Button
                key={alternative.starts_at}
                variant="default"
                size="xs"
                disabled={pending}
                onClick={() => onAlternative(alternative)}
              >
                {dayAndTime(alternative.starts_at, zone)}
              </Button>
            ))}
          </Group>
        </Stack>
      )}
      <Group align="flex-end" gap="sm" wrap="nowrap">
        <TextInput
          style={{ flex: 1 }}
          label={t('anywayReason')}
          value={reason}
          maxLength={1000}
          onChange={(event) => {
            setReason(event.currentTarget.value)
            setMissing(false)
          }}
          error={missing && t('anywayReasonMissing')}
        />
        <Button variant="default" loading={pending} onClick={go} mb={missing ? 24 : 0}>
          {anyway}
        </Button>
      </Group>
    </Stack>
  )
}

// Why a time cannot be had, what is free nearby, and the way to take it all the same.
import { Alert, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Alternative, Problem } from '~/api/problem'
import { day, dayAndTime, span } from '~/i18n/format'
import { IconAlertTriangle } from '~/ui/icons'
import { PlanRefusal } from '~/ui/PlanRefusal'
import { isPlans, why } from '~/ui/why'
import { allowing, type Override, obstacles } from './override'
import './words'

const REFUSALS = ['slot_taken', 'outside_working_hours', 'plan_limit_reached', 'plan_required']
const MOST = 6

/** Whether this is about the time or the plan, rather than about a field. */
export function isRefusal(problem: { code: string } | null): boolean {
  return problem !== null && REFUSALS.includes(problem.code)
}

type Stretch = { starts_at: string; ends_at: string }

type Props = {
  problem: Problem
  timeZone: string
  calendars?: Record<string, string>
  /** Where it is already, which is no place to go to. */
  stands?: Stretch
  onPick?: (alternative: Alternative) => void
  /** What was allowed before, of an earlier refusal: it keeps its reason. */
  already?: Override
  /** Called with that, and what this refusal needs. */
  onAnyway?: (override: Override) => void
  anyway?: string
  onSkip?: () => void
  busy?: boolean
}

export function Conflicts(props: Props) {
  const { problem, timeZone, calendars, stands, onPick, already, onAnyway, anyway, onSkip, busy } = props
  const { t } = useTranslation('newsession')
  const [asking, setAsking] = useState(already?.override_reason !== undefined)
  const [reason, setReason] = useState(already?.override_reason ?? '')
  const [missing, setMissing] = useState(false)
  const heading = useId()
  const { conflicts = [] } = problem.details
  const alternatives = elsewhere(problem, stands)
  if (isPlans(problem)) return <PlanRefusal words={why(problem)} />
  const take = () => {
    if (!reason.trim()) return setMissing(true)
    onAnyway?.(allowing(problem, reason, already))
  }
  return (
    <Alert
      color="yellow"
      role="alert"
      icon={<IconAlertTriangle aria-hidden />}
      title={t(onSkip ? 'someTaken' : obstacles(problem).taken ? 'taken' : 'outside')}
    >
      <Stack gap="md">
        {conflicts.length > 0 && (
          <Stack gap={4} component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
            {conflicts.slice(0, MOST).map(({ kind, starts_at, ends_at }) => (
              <Text component="li" size="sm" key={`${kind} ${starts_at} ${ends_at}`}>
                {t(`conflict_${kind}`)}, {day(starts_at, timeZone)}, {span(starts_at, ends_at, timeZone)}
              </Text>
            ))}
            {conflicts.length > MOST && (
              <Text component="li" size="sm">
                {t('andMore', { count: conflicts.length - MOST })}
              </Text>
            )}
          </Stack>
        )}
        {onPick && alternatives.length > 0 && (
          <div>
            <Text size="sm" fw={600} mb={4} id={heading}>
              {t('freeNearby')}
            </Text>
            <Group gap="sm" role="group" aria-labelledby={heading}>
              {alternatives.map((one) => (
                <Button
                  key={`${one.starts_at} ${one.calendar_id}`}
                  variant="default"
                  size="xs"
                  disabled={busy}
                  onClick={() => onPick(one)}
                >
                  {dayAndTime(one.starts_at, timeZone)}
                  {calendars?.[one.calendar_id] && ` · ${calendars[one.calendar_id]}`}
                </Button>
              ))}
            </Group>
          </div>
        )}
        {onSkip && (
          <Button variant="default" size="xs" onClick={onSkip} loading={busy} style={{ alignSelf: 'start' }}>
            {t('skipTaken')}
          </Button>
        )}
        {onAnyway &&
          (asking ? (
            <Stack gap="sm" align="stretch">
              <TextInput
                label={t('anywayReason')}
                description={t('anywayReasonHint')}
                value={reason}
                onChange={(event) => setReason(event.currentTarget.value)}
                onKeyDown={(event) => {
                  if (event.key !== 'Enter') return
                  event.preventDefault()
                  take()
                }}
                error={missing && !reason.trim() ? t('anywayReasonMissing') : undefined}
                data-autofocus
                autoFocus
                maxLength={500}
              />
              <Button variant="default" size="xs" onClick={take} loading={busy} style={{ alignSelf: 'start' }}>
                {anyway ?? t('anyway')}
              </Button>
            </Stack>
          ) : (
            <Button variant="subtle" size="xs" onClick={() => setAsking(true)} style={{ alignSelf: 'start' }}>
              {`${anyway ?? t('anyway')} …`}
            </Button>
          ))}
      </Stack>
    </Alert>
  )
}

function elsewhere({ details }: Problem, stands: Stretch | undefined): Alternative[] {
  return (details.alternatives ?? []).filter(
    ({ starts_at, ends_at }) =>
      !stands ||
      Date.parse(starts_at) !== Date.parse(stands.starts_at) ||
      Date.parse(ends_at) !== Date.parse(stands.ends_at),
  )
}

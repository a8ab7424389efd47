// The spans of one day: from, to, and away with it.
import { ActionIcon, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { IconX } from '~/ui/icons'
import { ClockField } from '../parts/ClockField'
import classes from './Hours.module.css'
import type { Span } from './hours'

export function SpanRows({
  day,
  spans,
  errors,
  onChange,
}: {
  day: string
  spans: Span[]
  errors: Record<string, string>
  onChange: (spans: Span[]) => void
}) {
  const { t } = useTranslation('setup')
  const put = (id: string, change: Partial<Span>) =>
    onChange(spans.map((each) => (each.id === id ? { ...each, ...change } : each)))
  if (spans.length === 0)
    return (
      <Text size="sm" c="var(--quiet)" className={classes.closed}>
        {t('closed')}
      </Text>
    )
  return (
    <div className={classes.spans}>
      {spans.map((each, index) => (
        <div key={each.id}>
          <div className={classes.span}>
            <ClockField
              aria-label={t('spanFrom', { day, number: index + 1 })}
              value={each.start}
              onChange={(start) => put(each.id, { start })}
              error={each.id in errors}
            />
            <span aria-hidden>–</span>
            <ClockField
              aria-label={t('spanTo', { day, number: index + 1 })}
              value={each.end}
              onChange={(end) => put(each.id, { end })}
              error={each.id in errors}
              aria-describedby={each.id in errors ? `${each.id}-error` : undefined}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('spanRemove', { day, number: index + 1 })}
              onClick={() => onChange(spans.filter(({ id }) => id !== each.id))}
            >
              <IconX size={16} aria-hidden />
            </ActionIcon>
          </div>
          {each.id in errors && (
            <Text size="sm" c="var(--mantine-color-error)" id={`${each.id}-error`}>
              {errors[each.id]}
            </Text>
          )}
        </div>
      ))}
    </div>
  )
}

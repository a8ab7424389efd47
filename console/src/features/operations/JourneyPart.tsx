// One session's way through the services: asked for by its id, or by a link with `?subject=`.
import { Alert, Button, Skeleton, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useLocation, useSearch } from 'wouter'
import { EmptyState } from '~/ui/EmptyState'
import { Failure } from '~/ui/Failure'
import { IconInfoCircle } from '~/ui/icons'
import { Drawing } from './Drawing'
import { JourneyTable } from './JourneyTable'
import { journeyOf } from './journeys'
import classes from './operations.module.css'

export function JourneyPart() {
  const { t } = useTranslation('operations')
  const [path, navigate] = useLocation()
  const subject = new URLSearchParams(useSearch()).get('subject') ?? ''
  const [typed, setTyped] = useState(subject)
  useEffect(() => setTyped(subject), [subject])
  const show = (event: FormEvent) => {
    event.preventDefault()
    const wanted = typed.trim()
    navigate(wanted ? `${path}?${new URLSearchParams({ subject: wanted })}` : path)
  }
  return (
    <>
      <Text size="sm" c="var(--quiet)" mb="md">
        {t('journeyHint')}
      </Text>
      <form onSubmit={show} className={classes.ask}>
        <TextInput
          label={t('sessionId')}
          placeholder="ses_…"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          maxLength={200}
          spellCheck={false}
          autoComplete="off"
        />
        <Button type="submit" variant={subject ? 'default' : 'filled'}>
          {t('show')}
        </Button>
      </form>
      {subject && <Shown key={subject} subject={subject} />}
    </>
  )
}

function Shown({ subject }: { subject: string }) {
  const { t } = useTranslation(['operations', 'app'])
  const journey = useQuery(journeyOf(subject))
  if (journey.isPending) return <Skeleton height={240} mt="lg" role="status" aria-label={t('asking')} />
  if (!journey.data) return <Failure error={journey.error} onRetry={() => void journey.refetch()} />
  const { passages, truncated, missing } = journey.data
  const services = missing.map((service) => t(`app:service_${service}`)).join(', ')
  return (
    <>
      {missing.length > 0 && <Note>{t('journeyMissing', { services })}</Note>}
      {truncated && <Note>{t('truncated')}</Note>}
      {passages.length === 0 ? (
        <EmptyState title={t('noEvents', { subject })} hint={t('noEventsHint')} level={3} />
      ) : (
        <>
          <ul className={classes.legend} aria-hidden>
            <li className={classes.publishedHop}>
              <svg width={16} height={16} aria-hidden="true">
                <rect x={2} y={2} width={12} height={12} rx={2} />
              </svg>
              {t('legendPublished')}
            </li>
            <li className={classes.handledHop}>
              <svg width={16} height={16} aria-hidden="true">
                <circle cx={8} cy={8} r={6} />
              </svg>
              {t('legendHandled')}
            </li>
            <li className={classes.troubledHop}>
              <svg width={16} height={16} aria-hidden="true">
                <path d="M2 2l12 12m0 -12l-12 12" />
              </svg>
              {t('legendTrouble')}
            </li>
          </ul>
          <Drawing journey={journey.data} />
          <JourneyTable journey={journey.data} />
        </>
      )}
    </>
  )
}

function Note({ children }: { children: string }) {
  return (
    <Alert color="yellow" icon={<IconInfoCircle aria-hidden />} mt="md">
      {children}
    </Alert>
  )
}

// What things are called that a session only knows by their ids.
import i18next from 'i18next'
import type { Session } from '~/api/types'
import { useCalendars, useSessionTypes } from '~/app/account'

// What scheduling writes in the place of a name that is gone.
const GONE = 'Deleted client'

export function isDeleted({ client }: Session): boolean {
  return client.name === GONE || client.name === ''
}

export function clientName(session: Session): string {
  return isDeleted(session) ? i18next.t('deletedClient', { ns: 'app' }) : session.client.name
}

/** The names of session types and calendars by id; an id that is not known (any more) stands for itself. */
export function useNames(): (id: string) => string {
  const types = useSessionTypes().data ?? []
  const calendars = useCalendars().data ?? []
  return (id) => [...types, ...calendars].find((each) => each.id === id)?.name ?? id
}

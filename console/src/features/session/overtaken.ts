// What others did meanwhile, and an action came upon.
import { useQueryClient } from '@tanstack/react-query'
import { Problem } from '~/api/problem'
import type { Session } from '~/api/types'
import { follow } from './queries'
import { refused } from './Refusal'

/** What was refused for how things stand is looked at again; where nothing is left to try, `onDone` leaves the form, and a word says why. */
export function useOvertaken(session: Session, onDone: () => void): (error: Error) => void {
  const queries = useQueryClient()
  return (error) => {
    if (!(error instanceof Problem) || ![404, 409, 412].includes(error.status)) return
    follow(queries, session)
    if (error.code !== 'invalid_transition' && error.status !== 404) return
    refused(error)
    onDone()
  }
}

// How a time that was refused is taken on purpose.
import type { Problem } from '~/api/problem'

/** What has to be allowed so that a request that was refused goes through. */
export type Override = { allow_overlap?: boolean; allow_outside_hours?: boolean; override_reason?: string }

const OUTSIDE = 'outside_working_hours'

/** What is in the way: an occupied time, a closed calendar, or of a series both. */
export function obstacles({ code, details }: Problem): { taken: boolean; outside: boolean } {
  const { conflicts = [] } = details
  return {
    taken: code === 'slot_taken' && (conflicts.length === 0 || conflicts.some(({ kind }) => kind !== OUTSIDE)),
    outside: code === OUTSIDE || conflicts.some(({ kind }) => kind === OUTSIDE),
  }
}

/** What was allowed `already`, and what `problem` needs beside it. */
export function allowing(problem: Problem, reason: string, already: Override = {}): Override {
  const { taken, outside } = obstacles(problem)
  return {
    ...already,
    ...(taken && { allow_overlap: true }),
    ...(outside && { allow_outside_hours: true }),
    override_reason: reason.trim(),
  }
}

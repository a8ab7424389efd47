// Why a service did not do something, in words.
import i18next from 'i18next'
import type { Problem } from '~/api/problem'

/** A service that is down is named; what others did meanwhile is said in the reader's language, anything else as the service says it. */
export function why(problem: Problem): string {
  const t = i18next.getFixedT(null, 'app')
  if (problem.down) return t('down', { service: t(`service_${problem.service}`) })
  if (problem.code === 'stale') return t('stale')
  if (problem.code === 'not_found') return t('gone')
  return problem.message
}

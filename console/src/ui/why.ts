// Why a service did not do something, in words.
import i18next from 'i18next'
import { Problem } from '~/api/problem'

/** A service that is down is named; what others did meanwhile is said in the reader's language, anything else as the service says it. */
export function why(problem: Problem): string {
  const t = i18next.getFixedT(null, 'app')
  if (problem.down) return t('down', { service: t(`service_${problem.service}`) })
  if (isPlans(problem)) return plans(problem)
  if (problem.code === 'stale') return t('stale')
  if (problem.code === 'not_found') return t('gone')
  return problem.message
}

/** Whether it is the plan that does not include it. */
export function isPlans(error: unknown): error is Problem & { code: 'plan_required' | 'plan_limit_reached' } {
  return error instanceof Problem && (error.code === 'plan_required' || error.code === 'plan_limit_reached')
}

// What the services say of the plan, and the words for it here, which tell which plan has it.
const OF_PLANS: [said: RegExp, words: string][] = [
  [/^deposits/i, 'planDeposits'],
  [/^online booking/i, 'planBooking'],
  [/^auto-confirmation/i, 'planConfirmation'],
  [/includes (\d+) sessions/, 'planSessions'],
  [/includes (\d+) calendar/, 'planCalendars'],
  [/includes (\d+) client/, 'planClients'],
]

function plans({ message }: Problem): string {
  for (const [said, words] of OF_PLANS) {
    const found = message.match(said)
    if (found) return i18next.t(words, { ns: 'app', count: Number(found[1] ?? 0) })
  }
  return message
}

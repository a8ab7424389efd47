// What a series is called: by its blocked time's title, or by whom and what its sessions are.
import type { TFunction } from 'i18next'
import type { components } from '~/api/generated/scheduling'
import type { SessionType } from '~/api/types'

export type Head = components['schemas']['SeriesHead']

export function titleOf({ kind, template }: Head, types: SessionType[], t: TFunction<'setup'>): string {
  if (kind === 'event') return String(template.title ?? t('blockedTime'))
  return types.find(({ id }) => id === template.service_id)?.name ?? t('retiredType')
}

// What a session type costs, in words.
import { useTranslation } from 'react-i18next'
import type { Money } from '~/api/types'
import { money } from '~/i18n/format'

/** "80,00 €", or "Free". */
export function Price({ price }: { price: Money | null }) {
  const { t } = useTranslation('booking')
  return price?.amount ? money(price) : t('free')
}

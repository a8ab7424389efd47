// How many of a series an action reaches.
import { Radio, Stack } from '@mantine/core'
import { useTranslation } from 'react-i18next'

export type Scope = 'this' | 'following' | 'all'

const SCOPES: Scope[] = ['this', 'following', 'all']

export function ScopeField({ value, onChange }: { value: Scope; onChange: (scope: Scope) => void }) {
  const { t } = useTranslation('session')
  return (
    <Radio.Group
      label={t('scope')}
      value={value}
      onChange={(chosen) => onChange(SCOPES.find((scope) => scope === chosen) ?? 'this')}
    >
      <Stack gap="sm" mt="sm">
        {SCOPES.map((scope) => (
          <Radio key={scope} value={scope} label={t(`scope_${scope}`)} />
        ))}
      </Stack>
    </Radio.Group>
  )
}

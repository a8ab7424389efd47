// Columns whose headers mean nothing by themselves are given a meaning, or left out.
import { Select, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { canBeMapped, FIELDS } from './importing'

export function ColumnMapping({
  headers,
  columns,
  onMap,
}: {
  headers: string[]
  columns: Record<string, string>
  onMap: (header: string, field: string) => void
}) {
  const { t } = useTranslation('clients')
  const fields = FIELDS.map((field) => ({ value: field, label: t(`field_${field}`) }))
  return (
    <section aria-labelledby="columns">
      <Title order={3} id="columns">
        {t('columns')}
      </Title>
      <Text size="sm" c="var(--quiet)" mb="sm">
        {t('columnsHint')}
      </Text>
      <Stack gap="sm">
        {headers.map((header) => (
          <Select
            key={header}
            label={header}
            data={[{ value: '', label: t('leaveOut') }, ...fields]}
            value={columns[header] ?? ''}
            onChange={(field) => onMap(header, field ?? '')}
            disabled={!canBeMapped(header)}
            description={canBeMapped(header) ? undefined : t('cannotMap')}
            allowDeselect={false}
          />
        ))}
      </Stack>
    </section>
  )
}

// What became of each occurrence of a series, where not all could be made.
import { Button, Stack, Table, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { dayAndTime } from '~/i18n/format'
import type { Series } from './create'

type Props = { series: Series; timeZone: string; onDone: () => void }

export function SeriesReport({ series, timeZone, onDone }: Props) {
  const { t } = useTranslation('newsession')
  const made = series.occurrences.filter(({ result }) => result === 'created').length
  return (
    <Stack>
      <Text role="status">{t('report', { made, all: series.occurrences.length })}</Text>
      <Table>
        <Table.Tbody>
          {series.occurrences.map(({ starts_at, result, conflicts }) => (
            <Table.Tr key={starts_at}>
              <Table.Td>{dayAndTime(starts_at, timeZone)}</Table.Td>
              <Table.Td>
                {result === 'created' ? (
                  t('made')
                ) : (
                  <>
                    {t('skipped')}
                    <Text size="xs" c="var(--quiet)">
                      {conflicts.map(({ kind }) => t(`conflict_${kind}`)).join(', ')}
                    </Text>
                  </>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Button onClick={onDone}>{t('finish')}</Button>
    </Stack>
  )
}

// What becomes of each row of a file, those that need a look first.
import { Group, Stack, Table, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { IconAlertCircle, IconCircleCheck, IconCopy } from '~/ui/icons'
import { PlanRefusal } from '~/ui/PlanRefusal'
import classes from './clients.module.css'
import type { Report, Row } from './importing'

const SHOWN = 200
const COUNTED = ['created', 'duplicates', 'failed'] as const
const SHAPES = { failed: IconAlertCircle, duplicate: IconCopy, created: IconCircleCheck }
const ORDER = Object.keys(SHAPES)

export function ImportReport({ report }: { report: Report }) {
  const { t } = useTranslation('clients')
  const rows = [...report.rows].sort((one, other) => ORDER.indexOf(one.status) - ORDER.indexOf(other.status))
  const full = report.rows.some((row) => row.errors.some(({ code }) => code === 'plan_limit_reached'))
  const mode = report.dry_run ? 'would' : 'did'
  return (
    <Stack gap="md">
      <Group gap="lg" role="status">
        {COUNTED.filter((kind) => kind === 'created' || report[kind] > 0).map((kind) => (
          <Text key={kind} fw={500}>
            {t(`${mode}_${kind}`, { count: report[kind] })}
          </Text>
        ))}
      </Group>
      {full && <PlanRefusal words={t('planLimit')} />}
      {rows.length > 0 && (
        <Table className={classes.report}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={56}>{t('row')}</Table.Th>
              <Table.Th>{t('outcome')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.slice(0, SHOWN).map((row) => (
              <Table.Tr key={row.row}>
                <Table.Td>{row.row}</Table.Td>
                <Table.Td>
                  <Outcome row={row} word={t(`${mode}_row_${row.status}`)} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {rows.length > SHOWN && (
        <Text size="sm" c="var(--quiet)">
          {t('moreRows', { count: rows.length - SHOWN })}
        </Text>
      )}
    </Stack>
  )
}

function Outcome({ row, word }: { row: Row; word: string }) {
  const { t } = useTranslation('clients')
  const Shape = SHAPES[row.status]
  return (
    <>
      <span className={classes.private}>
        <Shape size={16} stroke={1.8} aria-hidden />
        {word}
      </span>
      {row.errors.map((error) => {
        const field = String(error.pointer ?? '').slice(1)
        const detail = error.code === 'plan_limit_reached' ? t('planFull') : String(error.detail ?? '')
        return (
          <Text key={`${field} ${detail}`} size="sm">
            {field ? `${t(`field_${field}`, { defaultValue: field })}: ${detail}` : detail}
          </Text>
        )
      })}
    </>
  )
}

// Two records side by side, and which side each field will have.
import { Table, VisuallyHidden } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Client } from '~/api/types'
import classes from './clients.module.css'
import { together } from './together'

export function SidesTable({ stays, goes }: { stays: Client; goes: Client }) {
  const { t } = useTranslation('clients')
  const sides = together(stays, goes, (allowed) => t(allowed ? 'yes' : 'no'))
  return (
    <Table className={classes.sides}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>
            <VisuallyHidden>{t('field')}</VisuallyHidden>
          </Table.Th>
          <Table.Th>{t('stays')}</Table.Th>
          <Table.Th>{t('goes')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {sides.map(({ field, stays: own, other, becomes }) => (
          <Table.Tr key={field}>
            <Table.Th scope="row">{t(field)}</Table.Th>
            <Value text={own} kept={becomes !== 'other'} />
            <Value text={other} kept={becomes !== 'stays' || own === other} />
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

function Value({ text, kept }: { text: string; kept: boolean }) {
  const { t } = useTranslation('clients')
  if (!text) return <Table.Td>–</Table.Td>
  return (
    <Table.Td>
      {kept ? (
        text
      ) : (
        <s className={classes.lost}>
          <VisuallyHidden>{t('dropped')} </VisuallyHidden>
          {text}
        </s>
      )}
    </Table.Td>
  )
}

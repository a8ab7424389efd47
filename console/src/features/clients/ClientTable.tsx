// Clients as a quiet table; on a phone the name with what else matters below it.
import { Button, Center, Skeleton, Table, Text } from '@mantine/core'
import { useIntersection } from '@mantine/hooks'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import type { Client } from '~/api/types'
import { ContactMarks } from './ContactMarks'
import classes from './clients.module.css'
import { TagButton } from './TagButton'

const WAITING = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

export function ClientTable({
  rows,
  tag,
  onTag,
  more,
  busy,
}: {
  rows: Client[] | null
  tag: string
  onTag: (tag: string) => void
  more?: () => void
  busy: boolean
}) {
  const { t } = useTranslation('clients')
  return (
    <>
      <Table className={classes.table} highlightOnHover={rows !== null} aria-busy={rows === null}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('name')}</Table.Th>
            <Table.Th className={classes.wide}>{t('email')}</Table.Th>
            <Table.Th className={classes.wide}>{t('phone')}</Table.Th>
            <Table.Th className={classes.wide}>{t('tags')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows === null
            ? WAITING.map((key) => (
                <Table.Tr key={key}>
                  <Table.Td colSpan={4}>
                    <Skeleton height={20} />
                  </Table.Td>
                </Table.Tr>
              ))
            : rows.map((row) => <Row key={row.id} client={row} tag={tag} onTag={onTag} />)}
        </Table.Tbody>
      </Table>
      {more && <More key={rows?.length} onMore={more} busy={busy} />}
    </>
  )
}

function Row({ client, tag, onTag }: { client: Client; tag: string; onTag: (tag: string) => void }) {
  return (
    <Table.Tr className={classes.row}>
      <Table.Td>
        <Link href={`/clients/${client.id}`} className={classes.name}>
          {client.name}
        </Link>
        <ContactMarks client={client} />
        <div className={classes.under}>
          <Text size="sm" c="var(--quiet)">
            {[client.email, client.phone].filter(Boolean).join(' · ')}
          </Text>
          <Text size="sm" c="var(--quiet)">
            {client.tags.join(', ')}
          </Text>
        </div>
      </Table.Td>
      <Table.Td className={classes.wide}>{client.email ?? '–'}</Table.Td>
      <Table.Td className={classes.wide}>{client.phone ?? '–'}</Table.Td>
      <Table.Td className={classes.wide}>
        <span className={classes.tags}>
          {client.tags.map((each) => (
            <TagButton key={each} tag={each} pressed={each === tag} onPress={() => onTag(each)} />
          ))}
        </span>
      </Table.Td>
    </Table.Tr>
  )
}

/** The next page, when one comes near the end or asks for it. */
function More({ onMore, busy }: { onMore: () => void; busy: boolean }) {
  const { t } = useTranslation('clients')
  const { ref, entry } = useIntersection({ threshold: 0 })
  const near = entry?.isIntersecting ?? false
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each end that comes into view
  useEffect(() => {
    if (near && !busy) onMore()
  }, [near])
  return (
    <Center p="md">
      <Button ref={ref} variant="default" onClick={onMore} loading={busy}>
        {t('more')}
      </Button>
    </Center>
  )
}

// Clients from a file: first only looked at, with what would become of each row, then taken in.
import { Button, Group, Progress, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '~/api/problem'
import { SideDrawer } from '~/ui/SideDrawer'
import { ColumnMapping } from './ColumnMapping'
import { useForget } from './clients'
import { FileDrop } from './FileDrop'
import { headersOf } from './headers'
import { ImportReport } from './ImportReport'
import { type Report, useUpload } from './importing'
import { Refusal } from './Refusal'

export default function ImportDrawer({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('clients')
  const { t: app } = useTranslation('app')
  const [file, setFile] = useState<File | null>(null)
  const [headers, setHeaders] = useState<string[]>([])
  const [columns, setColumns] = useState<Record<string, string>>({})
  const dry = useUpload(true)
  const real = useUpload(false)
  const forget = useForget()

  const choose = async (chosen: File) => {
    setFile(chosen)
    setColumns({})
    setHeaders(/\.json$/i.test(chosen.name) ? [] : await headersOf(chosen))
    dry.start({ file: chosen, columns: {} })
  }
  const map = (header: string, field: string) => {
    const mapped = { ...columns, [header]: field }
    setColumns(mapped)
    if (file) dry.start({ file, columns: mapped })
  }
  const again = () => {
    setFile(null)
    dry.reset()
    real.reset()
  }
  const close = () => {
    if (real.report) forget()
    onClose()
  }

  const noName = dry.error instanceof Problem && dry.error.field('/columns') !== undefined
  const unknown = noName
    ? headers
    : [...new Set([...Object.keys(columns), ...(dry.report?.ignored_columns ?? [])])].filter((header) => header)
  const begun = real.report ?? (real.busy || real.error ? dry.report : undefined)

  return (
    <SideDrawer opened onClose={close} title={t('importTitle')}>
      <Stack gap="lg">
        {!file && <FileDrop onFile={(chosen) => void choose(chosen)} />}
        {file && !begun && (
          <>
            <Group justify="space-between" wrap="nowrap">
              <Text fw={500} truncate>
                {file.name}
              </Text>
              <Button variant="subtle" size="xs" onClick={again}>
                {t('otherFile')}
              </Button>
            </Group>
            {dry.busy && <Going report={dry.report} word={t('checking')} />}
            {noName ? (
              <Text role="alert">{t('noNameColumn')}</Text>
            ) : (
              dry.error && <Unreadable error={dry.error} onRetry={dry.retry} />
            )}
            {unknown.length > 0 && !(dry.busy && !dry.report) && (
              <ColumnMapping headers={unknown} columns={columns} onMap={map} />
            )}
            {dry.report?.status === 'completed' && !dry.error && (
              <>
                <ImportReport report={dry.report} />
                <Group justify="flex-end">
                  <Button variant="default" onClick={close}>
                    {app('cancel')}
                  </Button>
                  <Button onClick={() => real.start({ file, columns })} disabled={dry.report.created === 0 || dry.busy}>
                    {t('importNow', { count: dry.report.created })}
                  </Button>
                </Group>
              </>
            )}
          </>
        )}
        {file && begun && (
          <>
            {real.busy && <Going report={real.report} word={t('importing')} />}
            {real.error && <Refusal error={real.error} onRetry={real.retry} />}
            {real.report?.status === 'completed' && <ImportReport report={real.report} />}
            <Group justify="flex-end">
              {!real.busy && (
                <Button variant="default" onClick={again}>
                  {t('otherFile')}
                </Button>
              )}
              <Button onClick={close}>{app('close')}</Button>
            </Group>
          </>
        )}
      </Stack>
    </SideDrawer>
  )
}

function Going({ report, word }: { report?: Report; word: string }) {
  const { t } = useTranslation('clients')
  const made = report ? report.created + report.duplicates + report.failed : 0
  const total = report?.total ?? 0
  return (
    <Stack gap="sm" role="status">
      <Text size="sm">{total > 0 ? t('rowsOf', { word, made, total }) : word}</Text>
      <Progress value={total > 0 ? (made / total) * 100 : 100} animated={total === 0} aria-label={word} />
    </Stack>
  )
}

/** A file that is no table of clients at all: the service says where. */
function Unreadable({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  const whole = error instanceof Problem ? error.field('') : undefined
  return <Refusal error={whole ? new Error(whole) : error} onRetry={onRetry} />
}

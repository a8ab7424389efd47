// A plain file input that is as large as the place in which a file can be dropped.
import { Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { IconFileUpload } from '~/ui/icons'
import classes from './clients.module.css'

export function FileDrop({ onFile }: { onFile: (file: File) => void }) {
  const { t } = useTranslation('clients')
  const [over, setOver] = useState(false)
  return (
    <div className={classes.drop} data-over={over || undefined}>
      <IconFileUpload size={32} stroke={1.4} aria-hidden />
      <Text fw={500}>{t('chooseFile')}</Text>
      <Text size="sm" c="var(--quiet)" id="file-hint">
        {t('fileHint')}
      </Text>
      <input
        type="file"
        className={classes.file}
        accept=".csv,.json,text/csv,application/json"
        aria-label={t('chooseFile')}
        aria-describedby="file-hint"
        data-autofocus
        onDragEnter={() => setOver(true)}
        onDragLeave={() => setOver(false)}
        onDrop={() => setOver(false)}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0]
          if (file) onFile(file)
        }}
      />
    </div>
  )
}

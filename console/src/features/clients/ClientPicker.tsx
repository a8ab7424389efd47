// A field in which one client is found by what one types.
import { Select } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Client } from '~/api/types'
import { Failure } from '~/ui/Failure'
import { useFound } from './clients'

const TYPED_MS = 150

export function ClientPicker({
  label,
  except,
  onPick,
}: {
  label: string
  except: string
  onPick: (client: Client) => void
}) {
  const { t } = useTranslation('clients')
  const [typed, setTyped] = useState('')
  const [q] = useDebouncedValue(typed.trim(), TYPED_MS)
  const found = useFound(q, true)
  const options = (found.data?.data ?? []).filter((client) => client.id !== except)
  return (
    <>
      <Select
        label={label}
        placeholder={t('searchHint')}
        searchable
        data-autofocus
        searchValue={typed}
        onSearchChange={setTyped}
        // The service has found them already, by accents and case aside.
        filter={({ options: all }) => all}
        data={options.map((client) => ({
          value: client.id,
          label: [client.name, client.email ?? client.phone].filter(Boolean).join(' · '),
        }))}
        maxDropdownHeight={400}
        onChange={(id) => {
          const picked = options.find((client) => client.id === id)
          if (picked) onPick(picked)
        }}
        nothingFoundMessage={found.isFetching ? undefined : t('nobodyFound')}
      />
      {found.isError && <Failure error={found.error} onRetry={() => void found.refetch()} />}
    </>
  )
}

// Finds a client as one types, or lets one be made on the spot.
import { Combobox, Loader, Text, TextInput, useCombobox } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { body, clients } from '~/api/client'
import type { Client } from '~/api/types'
import { IconUserPlus } from '~/ui/icons'
import classes from './NewSession.module.css'

const SETTLES_MS = 150
const SHOWN = 8
const CREATE = '+'

type Props = {
  value: Pick<Client, 'id' | 'name' | 'email'> | null
  onChange: (client: Pick<Client, 'id' | 'name' | 'email'> | null) => void
  onCreate: (name: string) => void
  error?: string
}

export function ClientField({ value, onChange, onCreate, error }: Props) {
  const { t } = useTranslation('newsession')
  const [typed, setTyped] = useState<string>()
  const [hurried, setHurried] = useState(false)
  const text = typed ?? value?.name ?? ''
  const [q] = useDebouncedValue(typed?.trim() ?? '', SETTLES_MS)
  const list = useCombobox({
    onDropdownClose: () => list.resetSelectedOption(),
  })
  const found = useQuery({
    queryKey: ['clients', 'pick', q],
    queryFn: () => body(clients.GET('/v1/clients', { params: { query: { limit: SHOWN, ...(q ? { q } : {}) } } })),
    placeholderData: keepPreviousData,
    enabled: list.dropdownOpened,
  })
  const input = useRef<HTMLInputElement>(null)
  const empty = value === null
  // The form comes after its drawer, which has looked for the first field by then.
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it appears
  useEffect(() => {
    if (empty) input.current?.focus()
  }, [])
  const people = found.data?.data ?? []
  const { selectFirstOption, resetSelectedOption, closeDropdown } = list
  // Enter takes the first that fits what was typed, and nothing before anything was.
  useEffect(() => {
    if (q && found.data && !found.isPlaceholderData) selectFirstOption()
    else resetSelectedOption()
  }, [q, found.data, found.isPlaceholderData, selectFirstOption, resetSelectedOption])
  const settled = found.data !== undefined && !found.isPlaceholderData && q === (typed?.trim() ?? '')
  const first = people[0]
  // Who types fast and presses Enter means the first that will be found.
  useEffect(() => {
    if (!hurried || !settled) return
    setHurried(false)
    if (!first) return
    onChange(first)
    setTyped(undefined)
    closeDropdown()
  }, [hurried, settled, first, onChange, closeDropdown])
  const pick = (option: string) => {
    list.closeDropdown()
    if (option === CREATE) return onCreate(typed?.trim() ?? '')
    const chosen = people.find(({ id }) => id === option)
    if (!chosen) return
    onChange(chosen)
    setTyped(undefined)
  }
  return (
    <Combobox store={list} onOptionSubmit={pick}>
      <Combobox.Target>
        <TextInput
          label={t('client')}
          description={t('clientHint')}
          value={text}
          onChange={(event) => {
            setTyped(event.currentTarget.value)
            if (value) onChange(null)
            list.openDropdown()
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !typed?.trim() || settled) return
            event.preventDefault()
            event.stopPropagation()
            setHurried(true)
          }}
          onClick={() => list.openDropdown()}
          onBlur={() => list.closeDropdown()}
          rightSection={found.isFetching ? <Loader size={16} /> : null}
          error={error ?? found.error?.message}
          autoComplete="off"
          required
          withAsterisk={false}
          ref={input}
        />
      </Combobox.Target>
      <Combobox.Dropdown>
        <Combobox.Options mah={320} style={{ overflowY: 'auto' }}>
          {people.map(({ id, name, email }) => (
            <Combobox.Option value={id} key={id}>
              <Text size="sm" truncate>
                {name}
              </Text>
              {email && (
                <Text size="xs" truncate className={classes.aside}>
                  {email}
                </Text>
              )}
            </Combobox.Option>
          ))}
          {people.length === 0 && <Combobox.Empty>{found.isFetching ? t('searching') : t('nobody')}</Combobox.Empty>}
          <Combobox.Option value={CREATE}>
            <Text size="sm" component="span">
              <IconUserPlus size={16} aria-hidden style={{ verticalAlign: 'text-bottom', marginRight: 8 }} />
              {typed?.trim() ? t('createClient', { name: typed.trim() }) : t('createNew')}
            </Text>
          </Combobox.Option>
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  )
}

// Everybody who is served: found as one types, made, brought in and taken out by the file.
import './words'
import { Autocomplete, Button, Group, TextInput, VisuallyHidden } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useMutation } from '@tanstack/react-query'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { clients } from '~/api/client'
import { download } from '~/ui/download'
import { EmptyState } from '~/ui/EmptyState'
import { Failure } from '~/ui/Failure'
import { IconDownload, IconPlus, IconSearch, IconTag, IconUpload } from '~/ui/icons'
import { Page } from '~/ui/Page'
import { failed } from '~/ui/toast'
import { ClientTable } from './ClientTable'
import { useClients } from './clients'
import classes from './clients.module.css'
import { usePlace } from './place'

const NewClientDrawer = lazy(() => import('./NewClientDrawer'))
const ImportDrawer = lazy(() => import('./ImportDrawer'))

const TYPED_MS = 150

export default function ClientsPage() {
  const { t } = useTranslation('clients')
  const [place, put] = usePlace()
  const q = place.get('q') ?? ''
  const tag = place.get('tag') ?? ''
  const found = useClients({ q, tag })
  const rows = found.data?.pages.flatMap((page) => page.data) ?? []
  const box = useRef<HTMLInputElement>(null)

  const [typed, setTyped] = useState(q)
  const searched = useRef(q)
  const search = useDebouncedCallback((text: string) => {
    searched.current = text.trim()
    put({ q: text.trim() || null }, { replace: true })
  }, TYPED_MS)
  useEffect(() => {
    if (q === searched.current) return
    searched.current = q
    setTyped(q)
  }, [q])

  const asked = place.has('search')
  // biome-ignore lint/correctness/useExhaustiveDependencies: once each time that the address asks for it
  useEffect(() => {
    if (!asked) return
    box.current?.focus()
    box.current?.select()
    put({ search: null }, { replace: true })
  }, [asked])

  const taken = useMutation({
    mutationFn: () => clients.GET('/v1/clients/export', { headers: { Accept: 'text/csv' }, parseAs: 'blob' }),
    onSuccess: ({ data }) => data && download(data, 'clients.csv'),
    onError: failed,
  })

  const tags = useTags(rows.flatMap((row) => row.tags))
  const nobody = found.isSuccess && !found.isPlaceholderData && rows.length === 0

  return (
    <Page
      title={t('clients')}
      actions={
        <>
          <Button
            variant="subtle"
            leftSection={<IconUpload size={16} aria-hidden />}
            onClick={() => put({ import: '' })}
          >
            {t('import')}
          </Button>
          <Button
            variant="subtle"
            leftSection={<IconDownload size={16} aria-hidden />}
            loading={taken.isPending}
            onClick={() => taken.mutate()}
          >
            {t('export')}
          </Button>
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => put({ new: '' })}>
            {t('newClient')}
          </Button>
        </>
      }
    >
      <Group mb="md" gap="sm" role="search" className={classes.search}>
        <TextInput
          ref={box}
          type="search"
          aria-label={t('search')}
          placeholder={t('searchHint')}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value)
            search(event.currentTarget.value)
          }}
          className={classes.box}
          autoComplete="off"
        />
        <TagFilter key={tag} tag={tag} tags={tags} onChange={(wanted) => put({ tag: wanted || null })} />
      </Group>
      <VisuallyHidden role="status">
        {found.isSuccess && !found.isPlaceholderData && t('shown', { count: rows.length })}
      </VisuallyHidden>
      {found.isError && <Failure error={found.error} onRetry={() => void found.refetch()} />}
      {nobody && <Nobody q={q} tag={tag} onNew={() => put({ new: '' })} onAll={() => put({ q: null, tag: null })} />}
      {(found.isPending || rows.length > 0) && (
        <ClientTable
          rows={found.isPending ? null : rows}
          tag={tag}
          onTag={(wanted) => put({ tag: wanted })}
          more={found.hasNextPage ? () => void found.fetchNextPage() : undefined}
          busy={found.isFetchingNextPage}
        />
      )}
      <Suspense>
        {place.has('new') && <NewClientDrawer name={nobody ? q : ''} onClose={() => put({ new: null })} />}
        {place.has('import') && <ImportDrawer onClose={() => put({ import: null })} />}
      </Suspense>
    </Page>
  )
}

function Nobody({ q, tag, onNew, onAll }: { q: string; tag: string; onNew: () => void; onAll: () => void }) {
  const { t } = useTranslation('clients')
  if (!q && !tag) return <EmptyState title={t('none')} hint={t('noneHint')} />
  return (
    <EmptyState title={q ? t('noneFound', { q }) : t('noneTagged', { tag })} hint={t('noneFoundHint')}>
      <Group>
        <Button variant="default" onClick={onAll}>
          {t('showAll')}
        </Button>
        {q && (
          <Button variant="light" onClick={onNew}>
            {t('makeNamed', { q })}
          </Button>
        )}
      </Group>
    </EmptyState>
  )
}

function TagFilter({ tag, tags, onChange }: { tag: string; tags: string[]; onChange: (tag: string) => void }) {
  const { t } = useTranslation('clients')
  const [typed, setTyped] = useState(tag)
  return (
    <Autocomplete
      aria-label={t('tagFilter')}
      placeholder={t('allTags')}
      leftSection={<IconTag size={16} aria-hidden />}
      data={tags}
      value={typed}
      onChange={setTyped}
      onOptionSubmit={onChange}
      onKeyDown={(event) => event.key === 'Enter' && onChange(typed.trim())}
      onBlur={() => typed.trim() !== tag && onChange(typed.trim())}
      clearable
      clearButtonProps={{ 'aria-label': t('allTags') }}
      onClear={() => onChange('')}
      className={classes.tag}
    />
  )
}

/** Every tag that was seen while the page is open: the service has no list of them. */
function useTags(shown: string[]): string[] {
  const known = useRef(new Set<string>())
  for (const tag of shown) known.current.add(tag)
  return [...known.current].sort((one, other) => one.localeCompare(other))
}

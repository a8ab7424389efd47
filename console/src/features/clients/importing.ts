// A file of clients on its way to the service, and what became of its rows so far.
import { useMutation, useQuery } from '@tanstack/react-query'
import { body, clients, idempotencyKey } from '~/api/client'
import type { components } from '~/api/generated/clients'

export type Report = components['schemas']['ImportOut']
export type Row = components['schemas']['RowOut']
export type Upload = { file: File; columns: Record<string, string> }

/** What a column can be, as the service names it. */
export const FIELDS = [
  'name',
  'email',
  'phone',
  'birth_date',
  'address',
  'tags',
  'notes',
  'locale',
  'timezone',
] as const

const LOOKED_AT_MS = 700

/** Send a file, as a dry run or in earnest; a long one goes on behind, and is followed until it is done. */
export function useUpload(dryRun: boolean) {
  const begun = useMutation({ mutationFn: (upload: Upload) => send(upload, dryRun) })
  const goesOn = begun.data !== undefined && begun.data.status !== 'completed'
  const followed = useQuery({
    queryKey: ['import', begun.data?.id],
    queryFn: () =>
      body(clients.GET('/v1/clients/import/{import_id}', { params: { path: { import_id: begun.data?.id ?? '' } } })),
    enabled: goesOn,
    refetchInterval: (query) => (query.state.data?.status === 'completed' ? false : LOOKED_AT_MS),
  })
  const report = (goesOn && followed.data) || begun.data
  return {
    start: begun.mutate,
    reset: begun.reset,
    report,
    busy: begun.isPending || (report !== undefined && report.status !== 'completed'),
    error: begun.error ?? followed.error,
    retry: followed.error ? () => void followed.refetch() : undefined,
  }
}

function send({ file, columns }: Upload, dryRun: boolean): Promise<Report> {
  const kind = /json/i.test(file.type) || /\.json$/i.test(file.name) ? 'application/json' : 'text/csv'
  return body<Report>(
    clients.POST('/v1/clients/import', {
      params: {
        query: { dry_run: dryRun, columns: asked(columns) || undefined },
        header: idempotencyKey(),
      },
      // The body is the file as it is, however long it takes to send it.
      fetch: (request) => {
        const headers = new Headers(request.headers)
        headers.set('Content-Type', kind)
        return fetch(request.url, { method: 'POST', headers, body: file })
      },
    }),
  )
}

/** Headers and fields as the service asks for them: `Vorname:name,Mail:email`. */
function asked(columns: Record<string, string>): string {
  return Object.entries(columns)
    .filter(([, field]) => field !== '')
    .map(([header, field]) => `${header}:${field}`)
    .join(',')
}

/** Whether a header can be spoken of at all: a comma ends it. */
export function canBeMapped(header: string): boolean {
  return !header.includes(',')
}

// A client as a form holds it, and as the service takes it.
import type { Client } from '~/api/types'

export type ClientForm = {
  name: string
  email: string
  phone: string
  birth_date: string
  address: string
  tags: string[]
  locale: string | null
  timezone: string | null
  notes: string
}

export const EMPTY: ClientForm = {
  name: '',
  email: '',
  phone: '',
  birth_date: '',
  address: '',
  tags: [],
  locale: null,
  timezone: null,
  notes: '',
}

export function filled(client: Client): ClientForm {
  return {
    name: client.name,
    email: client.email ?? '',
    phone: client.phone ?? '',
    birth_date: client.birth_date ?? '',
    address: client.address ?? '',
    tags: client.tags,
    locale: client.locale,
    timezone: client.timezone,
    notes: client.notes ?? '',
  }
}

/** As the service takes it: what was left empty is null, which empties the field. */
export function sent(form: ClientForm) {
  return {
    name: form.name,
    email: form.email.trim() || null,
    phone: form.phone.trim() || null,
    birth_date: form.birth_date || null,
    address: form.address.trim() || null,
    tags: form.tags,
    locale: form.locale,
    timezone: form.timezone,
    notes: form.notes.trim() || null,
  }
}

/** What of a form differs from the client: a patch names nothing else, so that what others changed meanwhile stays. */
export function changed(form: ClientForm, client: Client): Partial<ReturnType<typeof sent>> {
  const before = sent(filled(client))
  const after = sent(form)
  const differing = (Object.keys(after) as (keyof ClientForm)[]).filter(
    (field) => JSON.stringify(after[field]) !== JSON.stringify(before[field]),
  )
  return Object.fromEntries(differing.map((field) => [field, after[field]]))
}

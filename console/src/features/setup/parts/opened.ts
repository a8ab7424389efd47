// Which thing of a list is open, in the address: so that it can be linked to, and Back closes it.
import { useSearchParams } from 'wouter'

export function useOpened() {
  const [search, setSearch] = useSearchParams()
  const go = (change: (search: URLSearchParams) => void) =>
    setSearch((before) => {
      const after = new URLSearchParams(before)
      after.delete('new')
      after.delete('edit')
      change(after)
      return after
    })
  return {
    /** its id, `new` for one to be made, null for none */
    opened: search.has('new') ? 'new' : search.get('edit'),
    open: (id: string) => go((after) => after.set('edit', id)),
    begin: () => go((after) => after.set('new', '')),
    close: () => go(() => {}),
  }
}

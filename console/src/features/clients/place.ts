// What the page's address says beside its path, so that a look at something can be linked to and gone back from.
import { useSearchParams } from 'wouter'

type Put = (changes: Record<string, string | null>, options?: { replace?: boolean }) => void

/** The query of the address, and a way to change some of it; null takes a name out. */
export function usePlace(): [URLSearchParams, Put] {
  const [query, setQuery] = useSearchParams()
  const put: Put = (changes, options) =>
    setQuery((before) => {
      const after = new URLSearchParams(before)
      for (const [name, value] of Object.entries(changes)) {
        if (value === null) after.delete(name)
        else after.set(name, value)
      }
      return after
    }, options)
  return [query, put]
}

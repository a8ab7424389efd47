// What of a booking stands in the address, so that every step can be linked to and the back button walks through them.
import { useLocation, useSearch } from 'wouter'
import { ownZone } from '~/i18n/zone'

export type Address = {
  /** The session type. */
  type?: string
  /** The specialist; none: anyone. */
  with?: string
  /** The day on the client's wall, "2026-12-01". */
  date?: string
  /** The moment chosen. */
  time?: string
  /** The time zone, where it is not the browser's own. */
  tz?: string
}

const NAMES = ['type', 'with', 'date', 'time', 'tz'] as const

/** The address as it is, and the way to change parts of it; `undefined` takes a part out. */
export function useAddress(): [Address, (change: Address, options?: { replace?: boolean }) => void] {
  const [path, navigate] = useLocation()
  const search = useSearch()
  const address = read(search)
  const go = (change: Address, options?: { replace?: boolean }) => {
    navigate(path + written({ ...read(window.location.search), ...change }), options)
  }
  return [address, go]
}

/** An address as the part behind the path. */
export function written(address: Address): string {
  const made = new URLSearchParams()
  for (const name of NAMES) {
    const value = address[name]
    if (value) made.set(name, value)
  }
  return made.size ? `?${made}` : ''
}

/** The zone that an address names, else the browser's own. */
export function zoneOf(address: Address): string {
  return address.tz ?? ownZone()
}

/** What is mistyped counts as not there. */
function read(search: string): Address {
  const given = new URLSearchParams(search)
  const address: Address = {}
  for (const name of NAMES) {
    const value = given.get(name)
    if (value && SENSIBLE[name](value)) address[name] = value
  }
  return address
}

const SENSIBLE: Record<(typeof NAMES)[number], (value: string) => boolean> = {
  type: () => true,
  with: () => true,
  date: (value) => /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value)),
  time: (value) => /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value)),
  tz: (value) => {
    try {
      new Intl.DateTimeFormat('en', { timeZone: value })
      return true
    } catch {
      return false
    }
  },
}

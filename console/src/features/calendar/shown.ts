// Which calendars, and whether cancelled sessions, a person wants to see: remembered in this browser.
import { useState } from 'react'

const HIDDEN = 'timeblu.calendar.hidden'
const CANCELLED = 'timeblu.calendar.cancelled'

export function useHiddenCalendars() {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(
    () => new Set(localStorage.getItem(HIDDEN)?.split(' ').filter(Boolean)),
  )
  const toggle = (id: string) => {
    const next = new Set(hidden)
    if (!next.delete(id)) next.add(id)
    localStorage.setItem(HIDDEN, [...next].join(' '))
    setHidden(next)
  }
  return [hidden, toggle] as const
}

export function useCancelledShown() {
  const [shown, setShown] = useState(() => localStorage.getItem(CANCELLED) !== 'hidden')
  const toggle = () => {
    localStorage.setItem(CANCELLED, shown ? 'hidden' : 'shown')
    setShown(!shown)
  }
  return [shown, toggle] as const
}

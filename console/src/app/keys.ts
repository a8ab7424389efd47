// Shortcuts of a single key, which a person may switch off (WCAG 2.1.4).
import { useHotkeys } from '@mantine/hooks'
import { useSyncExternalStore } from 'react'

const REMEMBERED = 'timeblu.keys'
const listeners = new Set<() => void>()

export function keysOn(): boolean {
  return localStorage.getItem(REMEMBERED) !== 'off'
}

export function switchKeys(on: boolean): void {
  localStorage.setItem(REMEMBERED, on ? 'on' : 'off')
  for (const listener of listeners) listener()
}

export function useKeysOn(): boolean {
  return useSyncExternalStore((listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }, keysOn)
}

// Where keys have a meaning of their own already.
const TAKEN = '[role="dialog"], [role="menu"], [role="tablist"], [role="listbox"], [role="radiogroup"]'

/** Call a function at a key, except while one types, where the key means something already, or while a drawer is open. */
export function useKeys(keys: Record<string, () => void>): void {
  const on = useKeysOn()
  useHotkeys(
    Object.entries(keys).map(([key, act]) => [
      key,
      (event) => {
        const target = event.target instanceof Element ? event.target : null
        if (!on || target?.closest(TAKEN) || document.querySelector('[role="dialog"]')) return
        event.preventDefault()
        act()
      },
      { preventDefault: false },
    ]),
  )
}

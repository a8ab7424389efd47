// Keeps what was typed and not saved from being left by accident.
import i18next from 'i18next'
import { useEffect } from 'react'

let held = 0

/** Whether what was typed and not saved, if there is any, may be left: asks. */
export function mayLeave(): boolean {
  return held === 0 || window.confirm(i18next.t('setup:leaveUnsaved'))
}

/** Ask before the page, or its address, is left while `dirty`. */
export function useUnsaved(dirty: boolean): void {
  useEffect(() => {
    if (!dirty) return
    const stay = (event: BeforeUnloadEvent) => event.preventDefault()
    const ask = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest('a[href]') : null
      const elsewhere =
        link?.getAttribute('target') !== '_blank' && !event.defaultPrevented && !event.metaKey && !event.ctrlKey
      if (!link || !elsewhere || link.getAttribute('href')?.startsWith('#') || mayLeave()) return
      event.preventDefault()
      event.stopPropagation()
    }
    held += 1
    window.addEventListener('beforeunload', stay)
    document.addEventListener('click', ask, true)
    return () => {
      held -= 1
      window.removeEventListener('beforeunload', stay)
      document.removeEventListener('click', ask, true)
    }
  }, [dirty])
}

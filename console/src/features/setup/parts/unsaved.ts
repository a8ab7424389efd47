// Keeps what was typed and not saved from being left by accident.
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'

/** Ask before the page, or its address, is left while `dirty`. */
export function useUnsaved(dirty: boolean): void {
  const { t } = useTranslation('setup')
  useEffect(() => {
    if (!dirty) return
    const stay = (event: BeforeUnloadEvent) => event.preventDefault()
    const ask = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest('a[href]') : null
      const elsewhere =
        link?.getAttribute('target') !== '_blank' && !event.defaultPrevented && !event.metaKey && !event.ctrlKey
      if (!link || !elsewhere || link.getAttribute('href')?.startsWith('#') || window.confirm(t('leaveUnsaved'))) return
      event.preventDefault()
      event.stopPropagation()
    }
    window.addEventListener('beforeunload', stay)
    document.addEventListener('click', ask, true)
    return () => {
      window.removeEventListener('beforeunload', stay)
      document.removeEventListener('click', ask, true)
    }
  }, [dirty, t])
}

// One idempotency key for one filled form: a repeat of the same request is done once, another request gets its own.
import { useRef } from 'react'
import { idempotencyKey } from '~/api/client'

export function useOneKey(): (body: unknown) => { 'Idempotency-Key': string } {
  const last = useRef<{ text: string; key: { 'Idempotency-Key': string } } | null>(null)
  return (body) => {
    const text = JSON.stringify(body)
    if (last.current?.text !== text) last.current = { text, key: idempotencyKey() }
    return last.current.key
  }
}

// One idempotency key for each different thing that a form sends, so that sending it again does not do it twice.
import { useRef } from 'react'
import { idempotencyKey } from './client'

export function useKeyFor(): (sent: unknown) => { 'Idempotency-Key': string } {
  const known = useRef(new Map<string, { 'Idempotency-Key': string }>())
  return (sent) => {
    const text = JSON.stringify(sent)
    const key = known.current.get(text) ?? idempotencyKey()
    known.current.set(text, key)
    return key
  }
}

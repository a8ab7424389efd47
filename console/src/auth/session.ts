// Who is signed in. The token lives in this module alone: never in the browser's storage.
import { useSyncExternalStore } from 'react'

export type Claims = { sub: string; account_id: string; scope: string; exp: number }

type Held = { token: string; claims: Claims }

let held: Held | null = null
const listeners = new Set<() => void>()

function tell(): void {
  for (const listener of listeners) listener()
}

/**
 * Hold an access token.
 *
 * @throws Error where it is not a JWT with the claims that the services ask for.
 */
export function hold(token: string): void {
  held = { token, claims: read(token) }
  tell()
}

/** Under this name the browser's tab remembers which way was signed in by; no token. */
export const REMEMBERED = 'timeblu.signed-in'

/** A service did not accept the token: the next sign-in is a person's, or page and provider would send each other in circles. */
export function refused(): void {
  sessionStorage.removeItem(REMEMBERED)
  signedOut()
}

export function signedOut(): void {
  if (held === null) return
  held = null
  tell()
}

export function accessToken(): string | undefined {
  return held?.token
}

/** The claims of who is signed in, null where nobody is. The services check them; here they only decide what is shown. */
export function useClaims(): Claims | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => held?.claims ?? null,
  )
}

export function useScope(scope: string): boolean {
  const claims = useClaims()
  return claims?.scope.split(' ').includes(scope) ?? false
}

function read(token: string): Claims {
  const payload = token.split('.')[1]
  if (!payload) throw new Error('not a JWT')
  const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
  const claims = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Claims>
  if (!claims.account_id || typeof claims.scope !== 'string' || !claims.exp) throw new Error('claims are missing')
  return claims as Claims
}

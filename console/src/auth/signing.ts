// The three ways to sign in; which one is up to the server of this page.
import type { UserManager } from 'oidc-client-ts'
import { config, type SignIn } from '~/app/config'
import { hold, REMEMBERED, signedOut } from './session'

const AHEAD_SECONDS = 60

let renewal: ReturnType<typeof setTimeout> | undefined
let manager: Promise<UserManager> | undefined

/** Sign in again after a reload, where that needs nobody's help. False: ask. */
export async function resume(): Promise<boolean> {
  const { sign_in } = await config()
  if (sessionStorage.getItem(REMEMBERED) !== sign_in.kind) return false
  if (sign_in.kind === 'token') return false
  await begin(sign_in)
  return sign_in.kind === 'demo'
}

/** Begin a sign-in by demo or by OpenID Connect; the latter leaves the page and comes back to `/sign-in/callback`. */
export async function begin(way: SignIn): Promise<void> {
  if (way.kind === 'demo') await demo()
  if (way.kind === 'oidc') {
    const { pathname, search } = window.location
    await (await users(way)).signinRedirect({ state: pathname === '/sign-in/callback' ? '/' : pathname + search })
  }
}

/** Take a token that a person brought. */
export function takeToken(token: string): void {
  hold(token.trim())
  sessionStorage.setItem(REMEMBERED, 'token')
}

/** Come back from the identity provider; gives the path at which the sign-in began. */
export async function complete(): Promise<string> {
  const { sign_in } = await config()
  if (sign_in.kind !== 'oidc') return '/'
  const user = await (await users(sign_in)).signinRedirectCallback()
  hold(user.access_token)
  sessionStorage.setItem(REMEMBERED, 'oidc')
  return typeof user.state === 'string' && user.state.startsWith('/') && !user.state.startsWith('//') ? user.state : '/'
}

export async function signOut(): Promise<void> {
  const { sign_in } = await config()
  clearTimeout(renewal)
  sessionStorage.removeItem(REMEMBERED)
  signedOut()
  if (sign_in.kind === 'oidc') await (await users(sign_in)).signoutRedirect()
}

async function demo(): Promise<void> {
  const answer = await fetch('/demo/sign-in', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{}',
  })
  if (!answer.ok) throw new Error(`${answer.status} ${(await answer.text()).slice(0, 300)}`)
  const { access_token, expires_in } = (await answer.json()) as { access_token: string; expires_in: number }
  hold(access_token)
  sessionStorage.setItem(REMEMBERED, 'demo')
  clearTimeout(renewal)
  renewal = setTimeout(() => void demo().catch(signedOut), Math.max(expires_in - AHEAD_SECONDS, 1) * 1000)
}

function users(way: Extract<SignIn, { kind: 'oidc' }>): Promise<UserManager> {
  manager ??= import('oidc-client-ts').then(({ InMemoryWebStorage, UserManager, WebStorageStateStore }) => {
    const made = new UserManager({
      authority: way.authority,
      client_id: way.client_id,
      scope: way.scope,
      redirect_uri: `${window.location.origin}/sign-in/callback`,
      post_logout_redirect_uri: window.location.origin,
      // The code and its verifier have to outlive the redirect; tokens do not.
      stateStore: new WebStorageStateStore({ store: sessionStorage }),
      userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
      // By refresh token where the provider gives one; there is no hidden frame.
      automaticSilentRenew: true,
    })
    made.events.addUserLoaded((user) => hold(user.access_token))
    made.events.addAccessTokenExpired(() => signedOut())
    made.events.addUserSignedOut(() => signedOut())
    return made
  })
  return manager
}

// What the server of this page says about its surroundings.

export type SignIn =
  | { kind: 'demo' }
  | { kind: 'token' }
  | { kind: 'oidc'; authority: string; client_id: string; scope: string }

export type Config = { sign_in: SignIn; sandbox: boolean }

let asked: Promise<Config> | undefined

export function config(): Promise<Config> {
  asked ??= fetch('/config.json').then((answer) => {
    if (!answer.ok) throw new Error(`config.json: ${answer.status}`)
    return answer.json() as Promise<Config>
  })
  return asked
}

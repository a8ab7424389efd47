// Shows what is below it to who is signed in, and a sign-in to everybody else.
import { Alert, Button, Center, Loader, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { config } from '~/app/config'
import { useClaims } from './session'
import { begin, resume, takeToken } from './signing'

export function SignedIn({ children }: { children: ReactNode }) {
  const { t } = useTranslation('app')
  const claims = useClaims()
  const resumed = useQuery({ queryKey: ['resume'], queryFn: resume, staleTime: Number.POSITIVE_INFINITY, retry: false })
  if (claims) return children
  if (resumed.isPending)
    return (
      <Center h="100%">
        <Loader aria-label={t('loading')} role="status" />
      </Center>
    )
  return <SignInPage />
}

function SignInPage() {
  const { t } = useTranslation('app')
  const way = useQuery({ queryKey: ['config'], queryFn: config, staleTime: Number.POSITIVE_INFINITY })
  const [failure, setFailure] = useState<string>()
  const [token, setToken] = useState('')
  const signIn = way.data?.sign_in

  const start = async () => {
    if (!signIn) return
    try {
      await begin(signIn)
    } catch (error) {
      setFailure(t('signInFailed', { why: String((error as Error).message) }))
    }
  }
  const take = (event: FormEvent) => {
    event.preventDefault()
    try {
      takeToken(token)
    } catch {
      setFailure(t('signInTokenWrong'))
    }
  }

  return (
    <Center mih="100%" p="md" component="main">
      <Paper withBorder p="xl" w={416} radius="lg">
        <Stack>
          <img src="/assets/icon.svg" alt="" width={40} height={40} />
          <Title order={1}>{t('signInTitle')}</Title>
          {failure && (
            <Alert color="red" role="alert">
              {failure}
            </Alert>
          )}
          {way.isError && (
            <Alert color="red" role="alert">
              {t('signInFailed', { why: way.error.message })}
            </Alert>
          )}
          {signIn?.kind === 'demo' && (
            <>
              <Text c="var(--quiet)">{t('signInDemoHint')}</Text>
              <Button onClick={() => void start()}>{t('signInDemo')}</Button>
            </>
          )}
          {signIn?.kind === 'oidc' && <Button onClick={() => void start()}>{t('signInOidc')}</Button>}
          {signIn?.kind === 'token' && (
            <form onSubmit={take}>
              <Stack>
                <PasswordInput
                  label={t('signInToken')}
                  description={t('signInTokenHint')}
                  value={token}
                  onChange={(event) => setToken(event.currentTarget.value)}
                  autoComplete="off"
                  required
                />
                <Button type="submit">{t('signIn')}</Button>
              </Stack>
            </form>
          )}
        </Stack>
      </Paper>
    </Center>
  )
}

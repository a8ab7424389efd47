// The way in, as the server of this page says: the demo practice, an identity provider, or a token.

import { Alert, Button, Center, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { config } from '~/app/config'
import icon from '~/app/icon.svg'
import { begin, takeToken } from './signing'

export default function SignInPage() {
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
          <img src={icon} alt="" width={40} height={40} />
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

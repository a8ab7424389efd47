// Where the identity provider sends the person back to.
import { Alert, Center, Loader } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Redirect } from 'wouter'
import { complete } from './signing'

export default function SignInCallback() {
  const { t } = useTranslation('app')
  const back = useQuery({
    queryKey: ['callback'],
    queryFn: complete,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  })
  if (back.isSuccess) return <Redirect to={back.data} replace />
  return (
    <Center h="100%" p="md" component="main">
      {back.isError ? (
        <Alert color="red" role="alert">
          {t('signInFailed', { why: back.error.message })} <a href="/">{t('retry')}</a>
        </Alert>
      ) : (
        <Loader aria-label={t('loading')} role="status" />
      )}
    </Center>
  )
}

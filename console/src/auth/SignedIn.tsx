// Shows what is below it to who is signed in, and a sign-in to everybody else.
import { Center, Loader } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { later } from '~/ui/later'
import { useClaims } from './session'
import { resume } from './signing'

const SignInPage = later(() => import('./SignInPage'))

export function SignedIn({ children }: { children: ReactNode }) {
  const { t } = useTranslation('app')
  const claims = useClaims()
  // Asked only where nobody is signed in: who comes back from the identity provider is not to be sent there again.
  const resumed = useQuery({
    queryKey: ['resume'],
    queryFn: resume,
    enabled: claims === null,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  })
  if (claims) return children
  if (resumed.isPending)
    return (
      <Center h="100%">
        <Loader aria-label={t('loading')} role="status" />
      </Center>
    )
  return <SignInPage />
}

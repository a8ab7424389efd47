// The statement of a period as a file, for the bookkeeper.
import { Button, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { payments } from '~/api/client'
import { useTimeZone } from '~/app/account'
import { addDays, today } from '~/i18n/zone'
import { download } from '~/ui/download'
import { Failure } from '~/ui/Failure'
import { IconDownload } from '~/ui/icons'
import { Part } from '../parts/Part'
import classes from './Payments.module.css'

export function Statement() {
  const { t } = useTranslation('setup')
  const timeZone = useTimeZone()
  const [from, setFrom] = useState(() => `${today(timeZone).slice(0, 7)}-01`)
  const [to, setTo] = useState(() => today(timeZone))
  const fetching = useMutation({
    mutationFn: async () => {
      // The last day is meant to be in it, and the service's period is half-open.
      const period = { from, to: addDays(to, 1) }
      const answer = await payments.GET('/v1/statement.csv', { params: { query: period }, parseAs: 'stream' })
      return answer.response.blob()
    },
    onSuccess: (file) => download(file, `statement-${from}-${to}.csv`),
  })
  const order = (event: FormEvent) => {
    event.preventDefault()
    fetching.mutate()
  }
  return (
    <Part title={t('statement')} hint={t('statementHint')}>
      <form onSubmit={order} className={classes.period}>
        <TextInput
          type="date"
          label={t('from')}
          required
          withAsterisk={false}
          value={from}
          max={to}
          onChange={(event) => setFrom(event.currentTarget.value)}
        />
        <TextInput
          type="date"
          label={t('toDay')}
          required
          withAsterisk={false}
          value={to}
          min={from}
          onChange={(event) => setTo(event.currentTarget.value)}
        />
        <Button
          type="submit"
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          loading={fetching.isPending}
        >
          {t('download')}
        </Button>
      </form>
      {fetching.error && <Failure error={fetching.error} />}
    </Part>
  )
}

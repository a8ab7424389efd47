// The words of one message: which one, and the editor for it.
import { Button, NativeSelect, SegmentedControl, Skeleton } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link, useSearchParams } from 'wouter'
import { LANGUAGES } from '~/i18n'
import { Failure } from '~/ui/Failure'
import { IconArrowLeft } from '~/ui/icons'
import { Part } from '../parts/Part'
import { type Channel, KINDS, type Kind, TO_CLIENT, TO_PROVIDER, textable, useTemplates } from './kinds'
import classes from './Notifications.module.css'
import { TemplateEditor } from './TemplateEditor'

export default function Templates({ wanted }: { wanted: string }) {
  const { t } = useTranslation('setup')
  const [, setSearch] = useSearchParams()
  const templates = useTemplates()
  const [kindName, channelName, locale = 'en'] = wanted.split('.')
  const kind: Kind = KINDS.find((each) => each === kindName) ?? 'confirmation'
  const channel: Channel = channelName === 'sms' && textable(kind) ? 'sms' : 'email'
  const go = (next: { kind?: string; channel?: string; locale?: string }) => {
    const { kind: k, channel: c, locale: l } = { kind, channel, locale, ...next }
    setSearch({ template: [k, c, l].join('.') }, { replace: true })
  }
  const locales = [...new Set(templates.data?.templates.map((each) => each.locale) ?? [locale])]
  const template = templates.data?.templates.find(
    (each) => each.kind === kind && each.channel === channel && each.locale === locale,
  )
  const options = (members: readonly Kind[]) => members.map((each) => ({ value: each, label: t(`kind_${each}`) }))
  return (
    <Part
      title={t('wordsTitle')}
      hint={t('wordsHint')}
      action={
        <Button
          component={Link}
          href="/setup/notifications"
          variant="default"
          leftSection={<IconArrowLeft size={16} aria-hidden />}
        >
          {t('tab_notifications')}
        </Button>
      }
    >
      <div className={classes.choices}>
        <NativeSelect
          label={t('message')}
          value={kind}
          onChange={(event) => go({ kind: event.currentTarget.value })}
          data={[
            { group: t('toClient'), items: options(TO_CLIENT) },
            { group: t('toProvider'), items: options(TO_PROVIDER) },
          ]}
        />
        {textable(kind) && (
          <SegmentedControl
            aria-label={t('channel')}
            value={channel}
            onChange={(next) => go({ channel: next })}
            data={(['email', 'sms'] as const).map((each) => ({ value: each, label: t(each) }))}
          />
        )}
        <NativeSelect
          label={t('app:language')}
          value={locale}
          onChange={(event) => go({ locale: event.currentTarget.value })}
          data={locales.map((tag) => ({ value: tag, label: tag in LANGUAGES ? named(tag) : tag }))}
        />
      </div>
      {templates.isPending && <Skeleton h={400} />}
      {templates.isError && <Failure error={templates.error} onRetry={() => void templates.refetch()} />}
      {template && templates.data && (
        <TemplateEditor
          key={`${kind} ${channel} ${locale} ${template.version}`}
          template={template}
          kind={kind}
          channel={channel}
          variables={templates.data.variables}
        />
      )}
    </Part>
  )
}

function named(tag: string): string {
  return Object.entries(LANGUAGES).find(([known]) => known === tag)?.[1] ?? tag
}

// The words of a message beside how they look, as one types.
import { Button, Group, Loader, Text, Textarea, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { type RefObject, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { useTranslation } from 'react-i18next'
import { body, notifications } from '~/api/client'
import { Problem } from '~/api/problem'
import { Failure } from '~/ui/Failure'
import { Refusal } from '../parts/Refusal'
import { SaveBar } from '../parts/SaveBar'
import { fieldErrors, seen, useSaving } from '../parts/saving'
import { useSettled } from '../parts/settled'
import type { Channel, Kind, Template } from './kinds'
import classes from './Notifications.module.css'
import { inserted } from './snippets'

const PAUSE_MS = 300

type Texts = { subject: string; text: string; html: string }
type Field = keyof Texts

export function TemplateEditor({
  template,
  kind,
  channel,
  variables,
}: {
  template: Template
  kind: Kind
  channel: Channel
  variables: string[]
}) {
  const { t } = useTranslation('setup')
  const { subject, text, html, locale } = template
  const { form } = useSettled<Texts>({ subject, text, html })
  const given = channel === 'sms' ? { text: form.values.text } : form.values
  const [typed] = useDebouncedValue(given, PAUSE_MS)
  const preview = useQuery({
    queryKey: ['template-preview', kind, channel, locale, typed],
    queryFn: () => body(notifications.POST('/v1/templates/preview', { body: { kind, channel, locale, ...typed } })),
    placeholderData: keepPreviousData,
    retry: false,
  })
  const path = { kind, channel, locale }
  const saving = useSaving(
    (texts: typeof given) =>
      body(
        notifications.PUT('/v1/templates/{kind}/{channel}/{locale}', {
          params: { path, header: seen(template.version) },
          body: texts,
        }),
      ),
    { keys: [['templates']] },
  )
  const resetting = useSaving(
    () =>
      body(
        notifications.DELETE('/v1/templates/{kind}/{channel}/{locale}', {
          params: { path, header: seen(template.version) },
        }),
      ),
    { keys: [['templates']], words: t('templateReset') },
  )
  const errors = { ...fieldErrors(preview.error), ...fieldErrors(saving.error) }
  const wrong = preview.error instanceof Problem && preview.error.status === 422
  const boxes: Record<Field, RefObject<(HTMLInputElement & HTMLTextAreaElement) | null>> = {
    subject: useRef(null),
    text: useRef(null),
    html: useRef(null),
  }
  const [last, setLast] = useState<Field>('text')
  const insert = (name: string) => {
    const box = boxes[last].current
    if (!box) return
    const [from, to] = [box.selectionStart ?? box.value.length, box.selectionEnd ?? box.value.length]
    const piece = inserted(name)
    flushSync(() => form.setFieldValue(last, box.value.slice(0, from) + piece + box.value.slice(to)))
    box.focus()
    box.setSelectionRange(from + piece.length, from + piece.length)
  }
  const field = (name: Field) => ({
    ref: boxes[name],
    className: classes.code,
    spellCheck: name !== 'html',
    value: form.values[name],
    onChange: (event: { currentTarget: { value: string } }) => {
      saving.reset()
      form.setValues({ [name]: event.currentTarget.value })
    },
    onFocus: () => setLast(name),
    error: errors[name],
  })
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        saving.mutate(given)
      }}
    >
      <div className={classes.editor}>
        <div className={classes.fields}>
          {channel === 'email' && <TextInput label={t('subject')} {...field('subject')} />}
          <Textarea
            label={channel === 'sms' ? t('smsText') : t('plainText')}
            autosize
            minRows={channel === 'sms' ? 4 : 8}
            maxRows={20}
            {...field('text')}
          />
          {channel === 'email' && <Textarea label={t('html')} autosize minRows={8} maxRows={20} {...field('html')} />}
          <div>
            <Text size="sm" fw={600} id="variables">
              {t('variables')}
            </Text>
            <Text size="sm" c="var(--quiet)" mb="sm">
              {t('variablesHint', { field: t(last === 'text' ? (channel === 'sms' ? 'smsText' : 'plainText') : last) })}
            </Text>
            <ul className={classes.variables} aria-labelledby="variables" style={{ listStyle: 'none', padding: 0 }}>
              {variables.map((name) => (
                <li key={name}>
                  <button type="button" className={classes.variable} onClick={() => insert(name)}>
                    {name}
                  </button>
                </li>
              ))}
            </ul>
          </div>
          {template.own && (
            <Group justify="space-between">
              <Text size="sm" c="var(--quiet)">
                {t('templateOwn')}
              </Text>
              <Button
                variant="default"
                size="xs"
                loading={resetting.isPending}
                onClick={() => resetting.mutate(undefined)}
              >
                {t('templateToDefault')}
              </Button>
            </Group>
          )}
          <Refusal error={resetting.error ?? saving.error} told={['/subject', '/text', '/html']} />
        </div>
        <section className={classes.preview} aria-label={t('preview')}>
          <Group gap="sm">
            <Text size="sm" fw={600}>
              {t('preview')}
            </Text>
            {preview.isFetching && <Loader size="xs" aria-hidden />}
          </Group>
          {preview.isError && !wrong && <Failure error={preview.error} onRetry={() => void preview.refetch()} />}
          {wrong && (
            <Text size="sm" role="status">
              {t('previewOld')}
            </Text>
          )}
          {preview.data && <Shown {...preview.data} />}
        </section>
      </div>
      <SaveBar dirty={form.isDirty()} saving={saving.isPending} onDiscard={form.reset} />
    </form>
  )
}

type Look = {
  subject: string | null
  text: string
  html: string | null
  encoding: string | null
  segments: number | null
}

/** A message as it would arrive; its HTML in a frame that may do nothing. */
function Shown({ subject, text, html, encoding, segments }: Partial<Look>) {
  const { t } = useTranslation('setup')
  return (
    <>
      {subject && <Text fw={600}>{subject}</Text>}
      {html && <iframe className={classes.frame} sandbox="" srcDoc={html} title={t('previewHtml')} />}
      <pre className={classes.plain}>{text}</pre>
      {segments ? (
        <Text size="sm" c="var(--quiet)">
          {t('segments', { count: segments, encoding })}
        </Text>
      ) : null}
    </>
  )
}

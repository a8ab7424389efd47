// A form in the side drawer: saved from its foot, where it also asks before anything is lost.
import { Button, Group, Text } from '@mantine/core'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { SideDrawer } from '~/ui/SideDrawer'
import classes from './EditDrawer.module.css'
import { Refusal } from './Refusal'
import { useUnsaved } from './unsaved'
import '../words'

/** What ends the thing that is edited; without a warning at once, as that can be undone. */
export type Ending = { label: string; warning?: string; pending: boolean; error: Error | null; onEnd: () => void }

export function EditDrawer({
  title,
  dirty,
  saving,
  submit,
  onSubmit,
  onClose,
  ending,
  children,
}: {
  title: string
  dirty: boolean
  saving: boolean
  submit?: string
  onSubmit: () => void
  onClose: () => void
  ending?: Ending
  children: ReactNode
}) {
  const { t } = useTranslation('setup')
  const [step, setStep] = useState<'edit' | 'leave' | 'end'>('edit')
  useUnsaved(dirty)
  const leave = () => (dirty && !saving ? setStep('leave') : onClose())
  const send = (event: FormEvent) => {
    event.preventDefault()
    onSubmit()
  }
  return (
    <SideDrawer opened onClose={leave} title={title}>
      <form onSubmit={send} noValidate className={classes.form}>
        {children}
        <div className={classes.foot}>
          {step === 'leave' && (
            <Question says={t('unsaved')} keep={t('keepEditing')} onKeep={() => setStep('edit')}>
              <Button variant="outline" color="red" onClick={onClose}>
                {t('discard')}
              </Button>
            </Question>
          )}
          {step !== 'leave' && ending && <Refusal error={ending.error} />}
          {step === 'end' && ending?.warning && (
            <Question says={ending.warning} keep={t('app:cancel')} onKeep={() => setStep('edit')}>
              <Button color="red" loading={ending.pending} onClick={ending.onEnd}>
                {ending.label}
              </Button>
            </Question>
          )}
          {step === 'edit' && (
            <Group justify="space-between">
              {ending ? (
                <Button
                  variant="subtle"
                  color="red"
                  px="sm"
                  loading={ending.pending}
                  onClick={() => (ending.warning ? setStep('end') : ending.onEnd())}
                >
                  {ending.label}
                </Button>
              ) : (
                <span />
              )}
              <Group gap="sm">
                <Button variant="default" onClick={leave}>
                  {t('app:cancel')}
                </Button>
                <Button type="submit" disabled={!dirty} loading={saving}>
                  {submit ?? t('app:save')}
                </Button>
              </Group>
            </Group>
          )}
        </div>
      </form>
    </SideDrawer>
  )
}

function Question({
  says,
  keep,
  onKeep,
  children,
}: {
  says: string
  keep: string
  onKeep: () => void
  children: ReactNode
}) {
  return (
    <div>
      <Text size="sm" mb="sm" role="alert">
        {says}
      </Text>
      <Group gap="sm" justify="flex-end">
        <Button variant="default" onClick={onKeep} ref={(button) => button?.focus()}>
          {keep}
        </Button>
        {children}
      </Group>
    </div>
  )
}

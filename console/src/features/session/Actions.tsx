// What can be done about the session as it stands: the likeliest as the one button that stands out.
import { ActionIcon, Button, Group, Menu } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { body, idempotencyKey, scheduling } from '~/api/client'
import type { Session } from '~/api/types'
import { IconDots } from '~/ui/icons'
import { done } from '~/ui/toast'
import { keys, take } from './queries'
import { refused } from './Refusal'
import { type FormName, forms, type StepName, steps, undecided } from './rules'

const TARGET = { confirm: 'confirmed', complete: 'completed', 'no-show': 'no_show' } as const

function send(id: string, step: StepName): Promise<Session> {
  const sent = { params: { path: { session_id: id }, header: idempotencyKey() }, body: {} }
  if (step === 'confirm') return body(scheduling.POST('/v1/sessions/{session_id}/confirm', sent))
  if (step === 'complete') return body(scheduling.POST('/v1/sessions/{session_id}/complete', sent))
  return body(scheduling.POST('/v1/sessions/{session_id}/no-show', sent))
}

export function Actions({ session, onForm }: { session: Session; onForm: (form: FormName) => void }) {
  const { t } = useTranslation('session')
  const queries = useQueryClient()
  const step = useMutation({
    mutationFn: (name: StepName) => send(session.id, name),
    onMutate: async (name) => {
      await queries.cancelQueries({ queryKey: keys.session(session.id) })
      queries.setQueryData<Session>(keys.session(session.id), { ...session, status: TARGET[name] })
      return session
    },
    onSuccess: (answer, name, before) => {
      take(queries, answer)
      const back = before.status === 'completed' ? 'complete' : before.status === 'no_show' ? 'no-show' : undefined
      const undo = back && (() => send(session.id, back).then((undone) => take(queries, undone)))
      done(t(`done_${name}`), undo)
    },
    onError: (error, _name, before) => {
      if (before) queries.setQueryData(keys.session(session.id), before)
      void queries.invalidateQueries({ queryKey: keys.session(session.id) })
      refused(error)
    },
  })
  const { shown, more } = offered(session)
  // One that was settled is not asked again what to do: correcting it is rare.
  const settled = session.status === 'completed' || session.status === 'no_show'
  const deciding = undecided(session)
  const open = (name: FormName) => (
    <Button
      key={name}
      variant={
        name === 'cancel' && !deciding
          ? 'subtle'
          : name === shown[0] && session.status === 'cancelled'
            ? 'filled'
            : 'default'
      }
      color={name === 'cancel' && !deciding ? 'red' : undefined}
      onClick={() => onForm(name)}
    >
      {t(name === 'cancel' && deciding ? 'form_decide' : `form_${name}`)}
    </Button>
  )
  return (
    <Group gap="sm" role="group" aria-label={t('actions')}>
      {steps(session).map((name, place) => (
        <Button
          key={name}
          variant={place === 0 && !settled ? 'filled' : 'default'}
          loading={step.isPending && step.variables === name}
          onClick={() => step.mutate(name)}
        >
          {t(settled ? `correct_${name}` : `step_${name}`)}
        </Button>
      ))}
      {shown.map(open)}
      {more.length > 0 && (
        <Menu position="bottom-end" withInitialFocusPlaceholder={false}>
          <Menu.Target>
            <ActionIcon variant="default" size={36} aria-label={t('more')}>
              <IconDots size={16} aria-hidden />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {more.map((name) => (
              <Menu.Item key={name} onClick={() => onForm(name)}>
                {t(`form_${name}`)}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </Group>
  )
}

/** No more than three buttons in a row: what is wanted less often lies behind one. */
function offered(session: Session): { shown: FormName[]; more: FormName[] } {
  const openable = forms(session)
  if (!openable.includes('reschedule')) return { shown: openable, more: [] }
  const more: FormName[] = steps(session).length > 1 ? ['reschedule', 'duplicate'] : ['duplicate']
  return { shown: openable.filter((name) => !more.includes(name)), more }
}

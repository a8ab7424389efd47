// Which message goes out by which channel, and the way to its words.
import { Checkbox, Table, VisuallyHidden } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useAccount } from '~/app/account'
import { language } from '~/i18n'
import { TextLink } from '../parts/TextLink'
import { PLANS } from '../plan/plans'
import { type Channel, type Kind, TO_CLIENT, TO_PROVIDER, textable } from './kinds'
import classes from './Notifications.module.css'

type Kinds = Record<string, Record<string, boolean>>

export function KindMatrix({ kinds, onChange }: { kinds: Kinds; onChange: (kinds: Kinds) => void }) {
  const { t } = useTranslation('setup')
  const plan = PLANS[useAccount().plan]
  const included = (kind: Kind, channel: Channel) =>
    channel === 'sms' ? (plan?.sms ?? false) : kind !== 'reminder_2h' || (plan?.reminder2 ?? false)
  const cell = (kind: Kind, channel: Channel) => (
    <Checkbox
      aria-label={t('kindBy', { kind: t(`kind_${kind}`), channel: t(channel) })}
      checked={(kinds[kind]?.[channel] ?? false) && included(kind, channel)}
      disabled={!included(kind, channel)}
      onChange={(event) => onChange({ ...kinds, [kind]: { ...kinds[kind], [channel]: event.currentTarget.checked } })}
    />
  )
  const group = (title: string, members: readonly Kind[]) => (
    <Table.Tbody>
      <Table.Tr>
        <Table.Th colSpan={4} scope="rowgroup" className={classes.group}>
          {title}
        </Table.Th>
      </Table.Tr>
      {members.map((kind) => (
        <Table.Tr key={kind}>
          <Table.Th scope="row" className={classes.kind}>
            {t(`kind_${kind}`)}
            {!included(kind, 'email') && <span className={classes.note}>{t('fromPlan', { plan: 'pro' })}</span>}
          </Table.Th>
          <Table.Td>{cell(kind, 'email')}</Table.Td>
          <Table.Td>{textable(kind) ? cell(kind, 'sms') : null}</Table.Td>
          <Table.Td className={classes.words}>
            <TextLink
              href={`/setup/notifications?template=${kind}.email.${language()}`}
              aria-label={t('wordsOf', { kind: t(`kind_${kind}`) })}
            >
              {t('words')}
            </TextLink>
          </Table.Td>
        </Table.Tr>
      ))}
    </Table.Tbody>
  )
  return (
    <Table className={classes.matrix} verticalSpacing="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>
            <VisuallyHidden>{t('message')}</VisuallyHidden>
          </Table.Th>
          <Table.Th>{t('email')}</Table.Th>
          <Table.Th>{t('sms')}</Table.Th>
          <Table.Th>
            <VisuallyHidden>{t('words')}</VisuallyHidden>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      {group(t('toClient'), TO_CLIENT)}
      {group(t('toProvider'), TO_PROVIDER)}
    </Table>
  )
}

// The keys for what is done often, and the switch that turns them off.
import { Drawer, Kbd, Stack, Switch, Table, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { switchKeys, useKeysOn } from './keys'

const KEYS = [
  ['N', 'keyNew'],
  ['T', 'keyToday'],
  ['← →', 'keyArrows'],
  ['D W M L', 'keyViews'],
  ['/', 'keySearch'],
  ['?', 'keyHelp'],
] as const

export default function Help({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation('app')
  const on = useKeysOn()
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      title={
        <Title order={2} component="span">
          {t('keys')}
        </Title>
      }
      size={400}
      closeButtonProps={{ 'aria-label': t('close') }}
    >
      <Stack>
        <Switch label={t('keysOn')} checked={on} onChange={(event) => switchKeys(event.currentTarget.checked)} />
        <Table>
          <Table.Tbody>
            {KEYS.map(([keys, what]) => (
              <Table.Tr key={what}>
                <Table.Td>
                  {keys.split(' ').map((key) => (
                    <Kbd key={key} mr={4}>
                      {key}
                    </Kbd>
                  ))}
                </Table.Td>
                <Table.Td>{t(what)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Stack>
    </Drawer>
  )
}

// The choices behind the button beside the views.
import { Checkbox, ColorSwatch, Divider, Group, Stack, Switch, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Calendar } from '~/api/types'

type Props = {
  calendars: readonly Calendar[]
  hidden: ReadonlySet<string>
  onToggle: (id: string) => void
  withCancelled: boolean
  onCancelled: () => void
}

export function ShownChoices({ calendars, hidden, onToggle, withCancelled, onCancelled }: Props) {
  const { t } = useTranslation('calendar')
  return (
    <Stack gap="md">
      {calendars.length > 1 && (
        <>
          {calendars.map(({ id, name, color }) => (
            <Checkbox
              key={id}
              checked={!hidden.has(id)}
              onChange={() => onToggle(id)}
              label={
                <Group gap="sm" wrap="nowrap">
                  <ColorSwatch color={color} size={12} withShadow={false} />
                  <Text size="sm" lineClamp={1}>
                    {name}
                  </Text>
                </Group>
              }
            />
          ))}
          <Divider />
        </>
      )}
      <Switch label={t('showCancelled')} checked={withCancelled} onChange={onCancelled} />
    </Stack>
  )
}

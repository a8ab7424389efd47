// What the calendar shows: calendars to switch on and off, and cancelled sessions.
import { Checkbox, ColorSwatch, Divider, Group, Popover, Stack, Switch, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { type Choices, Face } from './ShownButton'

export default function ShownMenu({ calendars, hidden, onToggle, withCancelled, onCancelled }: Choices) {
  const { t } = useTranslation('calendar')
  const several = calendars.length > 1
  return (
    <Popover position="bottom-end" width={256} trapFocus returnFocus defaultOpened>
      <Popover.Target>
        <Face calendars={calendars} hidden={hidden} />
      </Popover.Target>
      <Popover.Dropdown aria-label={several ? t('calendars') : t('display')}>
        <Stack gap="md">
          {several && (
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
      </Popover.Dropdown>
    </Popover>
  )
}

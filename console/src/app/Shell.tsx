// The frame of every page that the provider sees: the rail at the left, and who is signed in.
import {
  AppShell,
  Burger,
  Drawer,
  Group,
  Kbd,
  Menu,
  NavLink,
  Stack,
  Switch,
  Table,
  Text,
  Title,
  useMantineColorScheme,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import {
  IconActivity,
  IconCalendar,
  IconChartBar,
  IconKeyboard,
  IconLanguage,
  IconLogout,
  IconSettings,
  IconSun,
  IconUserCircle,
  IconUsers,
} from '@tabler/icons-react'
import { type ReactNode, useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useLocation } from 'wouter'
import { useScope } from '~/auth/session'
import { signOut } from '~/auth/signing'
import { changeLanguage, LANGUAGES, type Language, language } from '~/i18n'
import { useAccount } from './account'
import { switchKeys, useKeys, useKeysOn } from './keys'
import classes from './Shell.module.css'

const PLACES = [
  { path: '/calendar', name: 'calendar', icon: IconCalendar },
  { path: '/clients', name: 'clients', icon: IconUsers },
  { path: '/dashboard', name: 'dashboard', icon: IconChartBar },
  { path: '/setup', name: 'setup', icon: IconSettings },
] as const

const KEYS = [
  ['N', 'keyNew'],
  ['T', 'keyToday'],
  ['← →', 'keyArrows'],
  ['D W M L', 'keyViews'],
  ['/', 'keySearch'],
  ['?', 'keyHelp'],
] as const

export function Shell({ children }: { children: ReactNode }) {
  const { t } = useTranslation('app')
  const [location, navigate] = useLocation()
  const [menu, { toggle, close }] = useDisclosure()
  const [help, { open: openHelp, close: closeHelp }] = useDisclosure()
  const operator = useScope('ops')
  const account = useAccount()
  useKeys({ '/': () => navigate('/clients?search'), 'shift+?': openHelp, '?': openHelp })
  const here = location.split('/')[1] ?? ''
  const places = operator
    ? [...PLACES, { path: '/operations', name: 'operations', icon: IconActivity } as const]
    : PLACES
  const name = places.find(({ path }) => path === `/${here}`)?.name
  useEffect(() => {
    document.title = name ? `${t(name)} · Timeblu` : 'Timeblu'
  }, [name, t])

  return (
    <>
      <a className="skip" href="#content">
        {t('skip')}
      </a>
      <AppShell
        layout="alt"
        header={{ height: { base: 56, sm: 0 } }}
        navbar={{ width: 208, breakpoint: 'sm', collapsed: { mobile: !menu } }}
        transitionDuration={0}
      >
        <AppShell.Header hiddenFrom="sm" px="md">
          <Group h="100%">
            <Burger opened={menu} onClick={toggle} size="sm" aria-label={t('menu')} aria-expanded={menu} />
            <Brand />
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="sm" component="div">
          <Group justify="space-between" px="sm" py="sm" mb="sm">
            <Brand />
            <Burger hiddenFrom="sm" opened={menu} onClick={toggle} size="sm" aria-label={t('menu')} />
          </Group>
          <nav aria-label={t('navigation')} className={classes.places}>
            {places.map(({ path, name: place, icon: Icon }) => (
              <NavLink
                key={path}
                component={Link}
                href={path}
                label={t(place)}
                leftSection={<Icon size={20} stroke={1.6} aria-hidden />}
                active={`/${here}` === path}
                aria-current={`/${here}` === path ? 'page' : undefined}
                className={classes.place}
                onClick={close}
              />
            ))}
          </nav>
          <Person name={account.name} onHelp={openHelp} />
        </AppShell.Navbar>
        <AppShell.Main id="content" tabIndex={-1} className={classes.main}>
          {children}
        </AppShell.Main>
      </AppShell>
      <Help opened={help} onClose={closeHelp} />
    </>
  )
}

function Brand() {
  return (
    <Group gap="sm" wrap="nowrap">
      <img src="/assets/icon.svg" alt="" width={28} height={28} />
      <Text fw={600} size="lg">
        Timeblu
      </Text>
    </Group>
  )
}

/** Who is signed in, and what belongs to the person rather than to the practice. */
function Person({ name, onHelp }: { name: string; onHelp: () => void }) {
  const { t } = useTranslation('app')
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Menu position="top-start" width={224}>
      <Menu.Target>
        <NavLink
          component="button"
          label={name}
          leftSection={<IconUserCircle size={20} stroke={1.6} aria-hidden />}
          className={classes.place}
        />
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t('appearance')}</Menu.Label>
        {(['light', 'dark', 'auto'] as const).map((scheme) => (
          <Menu.Item
            key={scheme}
            leftSection={<IconSun size={16} aria-hidden />}
            aria-current={colorScheme === scheme || undefined}
            rightSection={colorScheme === scheme ? '✓' : undefined}
            onClick={() => setColorScheme(scheme)}
          >
            {t(scheme)}
          </Menu.Item>
        ))}
        <Menu.Label>{t('language')}</Menu.Label>
        {(Object.entries(LANGUAGES) as [Language, string][]).map(([tag, label]) => (
          <Menu.Item
            key={tag}
            lang={tag}
            leftSection={<IconLanguage size={16} aria-hidden />}
            rightSection={language() === tag ? '✓' : undefined}
            onClick={() => void changeLanguage(tag)}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconKeyboard size={16} aria-hidden />} onClick={onHelp}>
          {t('keys')}
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void signOut()}>
          {t('signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

function Help({ opened, onClose }: { opened: boolean; onClose: () => void }) {
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

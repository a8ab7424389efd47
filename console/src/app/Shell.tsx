// The frame of every page that the provider sees: the rail at the left, and who is signed in.

import { Burger, Group, Menu, NavLink, Text, useMantineColorScheme } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import clsx from 'clsx'
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useLocation } from 'wouter'
import icon from '~/app/icon.svg'
import { useScope } from '~/auth/session'
import { signOut } from '~/auth/signing'
import { changeLanguage, LANGUAGES, type Language, language } from '~/i18n'
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
} from '~/ui/icons'
import { useAccount } from './account'
import { useKeys } from './keys'
import classes from './Shell.module.css'

const Help = lazy(() => import('./Help'))

const PLACES = [
  { path: '/calendar', name: 'calendar', icon: IconCalendar },
  { path: '/clients', name: 'clients', icon: IconUsers },
  { path: '/dashboard', name: 'dashboard', icon: IconChartBar },
  { path: '/setup', name: 'setup', icon: IconSettings },
] as const

export function Shell({ children }: { children: ReactNode }) {
  const { t } = useTranslation('app')
  const [location, navigate] = useLocation()
  const [menu, { toggle, close }] = useDisclosure()
  const [help, { open, close: closeHelp }] = useDisclosure()
  const [helped, setHelped] = useState(false)
  const operator = useScope('ops')
  const account = useAccount()
  const openHelp = () => {
    setHelped(true)
    open()
  }
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
      <div className={classes.shell}>
        <header className={classes.head}>
          <Burger opened={menu} onClick={toggle} size="sm" aria-label={t('menu')} aria-expanded={menu} />
          <Brand />
        </header>
        <div className={clsx(classes.rail, menu && classes.open)}>
          <div className={classes.brand}>
            <Brand />
          </div>
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
        </div>
        <main id="content" tabIndex={-1} className={classes.main}>
          {children}
        </main>
      </div>
      <Suspense>{helped && <Help opened={help} onClose={closeHelp} />}</Suspense>
    </>
  )
}

function Brand() {
  return (
    <Group gap="sm" wrap="nowrap">
      <img src={icon} alt="" width={28} height={28} />
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

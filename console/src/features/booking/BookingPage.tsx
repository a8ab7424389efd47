// Where clients book, without signing in: what, which day, which time, who they are, done.
import { Alert, Skeleton, Text, Title } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useLocation } from 'wouter'
import { useHistoryState } from 'wouter/use-browser-location'
import { Problem } from '~/api/problem'
import { dateOf } from '~/i18n/zone'
import { EmptyState } from '~/ui/EmptyState'
import { IconInfoCircle } from '~/ui/icons'
import { useAddress, written, zoneOf } from './address'
import type { Appointment } from './appointment'
import { Booked } from './Booked'
import classes from './booking.module.css'
import { ChosenType } from './ChosenType'
import { Details, type Filled } from './Details'
import { Frame } from './Frame'
import { GoodToKnow } from './GoodToKnow'
import { useHolds } from './holds'
import { type BookingPageData, chooseSpecialist, pageOf } from './offers'
import { SlotPicker } from './SlotPicker'
import { SpecialistPicker } from './SpecialistPicker'
import { slotsKey } from './slots'
import { Trouble } from './Trouble'
import { TypeList } from './TypeList'
import { clockTime, dayAtTime } from './when'
import { ZonePicker } from './ZonePicker'
import './words'

/** What a step of the browser's history carries once a booking is made. */
type Made = { booked?: Appointment } | null

export default function BookingPage({ username }: { username: string }) {
  const { t } = useTranslation('booking')
  const page = useQuery(pageOf(username))
  const [path] = useLocation()
  const [address] = useAddress()
  const made = useHistoryState<Made>()
  if (made?.booked) return <Booked booked={made.booked} zone={zoneOf(address)} again={path} />
  if (page.isPending)
    return (
      <Frame>
        <Skeleton height={480} radius="lg" aria-label={t('timesLoading')} role="status" />
      </Frame>
    )
  if (page.isError && !page.data) {
    const unknown = page.error instanceof Problem && page.error.status === 404
    return (
      <Frame title={unknown ? t('pageNotFound') : undefined} narrow>
        {unknown ? (
          <EmptyState title={t('pageNotFound')} hint={t('pageNotFoundHint')} level={1} />
        ) : (
          <Trouble error={page.error} onRetry={() => void page.refetch()} />
        )}
      </Frame>
    )
  }
  return <Steps page={page.data} />
}

function Steps({ page }: { page: BookingPageData }) {
  const { t } = useTranslation('booking')
  const queries = useQueryClient()
  const [path, navigate] = useLocation()
  const [address, go] = useAddress()
  const [filled, setFilled] = useState<Filled>({ name: '', email: '', phone: '', notes: '' })
  const [lost, setLost] = useState<string>()
  const zone = zoneOf(address)
  const only = page.services.length === 1 ? page.services[0] : undefined
  const type = page.services.find(({ id }) => id === address.type) ?? (address.type ? undefined : only)
  const choose = type && chooseSpecialist(type)
  const calendar = choose ? type.calendars.find(({ id }) => id === address.with) : undefined
  const calendarId = calendar?.id
  const typeId = type?.id ?? ''
  const at = address.time
  const holds = useHolds(page.username, type && at ? { serviceId: type.id, calendarId, startsAt: at } : undefined)
  const offer = useMemo(
    () => ({ username: page.username, serviceId: typeId, calendarId, zone }),
    [page.username, typeId, calendarId, zone],
  )

  if (!type) {
    return (
      <Frame title={page.name} narrow>
        <Text c="var(--quiet)" mb="xs">
          {page.name}
        </Text>
        {page.services.length === 0 ? (
          <EmptyState title={t('nothingOffered')} hint={t('nothingOfferedHint', { name: page.name })} level={1} />
        ) : (
          <>
            <Title order={1} mb="lg">
              {t('chooseType')}
            </Title>
            {address.type && <Notice>{t('typeGone')}</Notice>}
            <TypeList path={path} types={page.services} tz={address.tz} />
          </>
        )}
      </Frame>
    )
  }

  const back = only ? undefined : path + written({ tz: address.tz })
  const toTimes = (start: string) => go({ time: undefined, date: dateOf(start, zone) }, { replace: true })
  const specialist = choose ? (calendar?.name ?? t('anySpecialist')) : undefined
  return (
    <Frame title={`${type.name} · ${page.name}`}>
      {at ? (
        <div className={classes.two}>
          <ChosenType practice={page.name} type={type} specialist={specialist} at={at} zone={zone}>
            <GoodToKnow practice={page.name} type={type} rules={page.booking} />
          </ChosenType>
          <Details
            key={at}
            page={page}
            type={type}
            calendarId={calendarId}
            start={at}
            zone={zone}
            holds={holds}
            filled={filled}
            onFilled={setFilled}
            onBack={() => toTimes(at)}
            onLost={(problem) => {
              const moment = problem.code === 'slot_taken' ? clockTime(at, zone) : dayAtTime(at, zone)
              setLost(t(problem.code === 'slot_taken' ? 'lost' : 'notOfferedAnyMore', { time: moment }))
              void queries.invalidateQueries({ queryKey: slotsKey(page.username) })
              toTimes(at)
            }}
            onBooked={(booked) => {
              void queries.invalidateQueries({ queryKey: slotsKey(page.username) })
              navigate(path + written({ ...address, time: undefined, date: undefined }), {
                replace: true,
                state: { booked } satisfies Made,
              })
            }}
          />
        </div>
      ) : (
        <>
          {lost && <Notice>{lost}</Notice>}
          <div className={classes.three}>
            <ChosenType practice={page.name} type={type} back={back} zone={zone}>
              <div className={classes.choices}>
                {choose && (
                  <SpecialistPicker
                    type={type}
                    chosen={calendarId}
                    onChoose={(id) => go({ with: id, type: type.id }, { replace: true })}
                  />
                )}
                <ZonePicker zone={zone} onZone={(tz) => go({ tz, date: undefined }, { replace: true })} />
              </div>
            </ChosenType>
            <SlotPicker
              key={`${type.id} ${calendarId}`}
              offer={offer}
              advanceDays={page.booking.max_advance_days}
              date={address.date}
              onDate={(date) => go({ date }, { replace: address.date !== undefined })}
              onTime={(time) => {
                setLost(undefined)
                go({ date: dateOf(time, zone), time })
              }}
              kept={holds.starts(type.id, calendarId)}
            />
          </div>
        </>
      )}
    </Frame>
  )
}

function Notice({ children }: { children: string }) {
  return (
    <Alert color="yellow" icon={<IconInfoCircle aria-hidden />} role="alert" mb="md">
      {children}
    </Alert>
  )
}

// What each plan includes, as the services hold it; null is no limit.

export type Included = boolean | number | null

type Terms = {
  clients: number | null
  sessions: number | null
  calendars: number | null
  counts: boolean
  rates: boolean
  reminder24: boolean
  reminder2: boolean
  sms: boolean
  booking: boolean
  deposits: boolean
}

const free: Terms = {
  clients: 20,
  sessions: 15,
  calendars: 1,
  counts: true,
  rates: false,
  reminder24: true,
  reminder2: false,
  sms: false,
  booking: false,
  deposits: false,
}
const pro: Terms = { ...free, clients: null, sessions: null, calendars: 3, rates: true, reminder2: true, booking: true }
const max: Terms = { ...pro, calendars: null, sms: true, deposits: true }

export const PLANS: Record<string, Terms> = { free, pro, max }
export const FEATURES = Object.keys(free) as (keyof Terms)[]

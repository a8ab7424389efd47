// Short names for what the services answer.
import type { components as ClientsDocument } from './generated/clients'
import type { components as NotificationsDocument } from './generated/notifications'
import type { components as PaymentsDocument } from './generated/payments'
import type { components as SchedulingDocument } from './generated/scheduling'

type SchedulingSchemas = SchedulingDocument['schemas']
type ClientsSchemas = ClientsDocument['schemas']
type PaymentsSchemas = PaymentsDocument['schemas']
type NotificationsSchemas = NotificationsDocument['schemas']

export type Account = SchedulingSchemas['AccountOut']
export type Session = SchedulingSchemas['SessionOut']
export type NewSession = SchedulingSchemas['NewSession']
export type SessionType = SchedulingSchemas['ServiceOut']
export type Calendar = SchedulingSchemas['CalendarOut']
export type BlockedTime = SchedulingSchemas['EventOut']
export type Money = { amount: number; currency: string }
export type Stats = SchedulingSchemas['StatsOut']
export type Client = ClientsSchemas['ClientOut']
export type Deposit = PaymentsSchemas['DepositOut']
export type Refund = PaymentsSchemas['RefundOut']
export type Reminder = NotificationsSchemas['ReminderOut']
export type Delivery = NotificationsSchemas['DeliveryOut']

export type SessionStatus = 'pending' | 'confirmed' | 'completed' | 'no_show' | 'cancelled'

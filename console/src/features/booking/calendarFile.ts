// An appointment as an iCalendar file (RFC 5545) for the client's own calendar.
import { download as save } from '~/ui/download'
import type { Appointment } from './appointment'

const LINE_BYTES = 75

/** Offer the file as a download. */
export function download(appointment: Appointment): void {
  save(new Blob([calendarFile(appointment)], { type: 'text/calendar' }), 'appointment.ics')
}

/** The event has the session's id, so that a later file replaces it. */
export function calendarFile(appointment: Appointment): string {
  const { id, version, starts_at, ends_at, updated_at, service, provider, status, notes } = appointment
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Timeblu//Booking//EN',
    'METHOD:PUBLISH',
    'BEGIN:VEVENT',
    `UID:${id}@timeblu`,
    `SEQUENCE:${version}`,
    `DTSTAMP:${utc(updated_at)}`,
    `DTSTART:${utc(starts_at)}`,
    `DTEND:${utc(ends_at)}`,
    `SUMMARY:${escaped(`${service.name} – ${provider.name}`)}`,
    ...(notes ? [`DESCRIPTION:${escaped(notes)}`] : []),
    `STATUS:${status === 'pending' ? 'TENTATIVE' : 'CONFIRMED'}`,
    'END:VEVENT',
    'END:VCALENDAR',
  ]
  return lines.flatMap(folded).join('\r\n').concat('\r\n')
}

function utc(moment: string): string {
  return new Date(moment).toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '')
}

function escaped(text: string): string {
  return text.replaceAll(/[\\;,]/g, (sign) => `\\${sign}`).replaceAll(/\r?\n/g, '\\n')
}

/** Lines are at most 75 bytes long, broken between characters; what follows begins with a space. */
function folded(line: string): string[] {
  const bytes = new TextEncoder()
  const parts = ['']
  let length = 0
  for (const sign of line) {
    const size = bytes.encode(sign).length
    if (length + size > LINE_BYTES) {
      parts.push(' ')
      length = 1
    }
    parts[parts.length - 1] += sign
    length += size
  }
  return parts
}

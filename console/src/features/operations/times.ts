// Times to the millisecond: hops are short.
import { time } from '~/i18n/format'

/** "09:30:01.042" */
export function preciseTime(moment: string, timeZone: string): string {
  const at = new Date(moment)
  const seconds = String(at.getUTCSeconds()).padStart(2, '0')
  const milliseconds = String(at.getUTCMilliseconds()).padStart(3, '0')
  return `${time(at, timeZone)}:${seconds}.${milliseconds}`
}

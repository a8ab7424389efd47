// Times of the day as people type them: "9", "930", "9:30", "9.30", "21 Uhr".

/** "09:30", or null where it is no time. */
export function readTime(typed: string): string | null {
  const found = /^\s*(\d{1,2})(?:[:.h\s]?(\d{2}))?\s*(?:uhr|h)?\s*(am|pm)?\s*$/i.exec(typed)
  if (!found) return null
  let hours = Number(found[1])
  const minutes = Number(found[2] ?? 0)
  const half = found[3]?.toLowerCase()
  if (half && (hours < 1 || hours > 12)) return null
  if (half) hours = (hours % 12) + (half === 'pm' ? 12 : 0)
  if (hours > 23 || minutes > 59) return null
  return `${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`
}

/** Every time of the day at a distance of some minutes. */
export function times(every: number): string[] {
  return Array.from({ length: Math.ceil(1440 / every) }, (_, index) => {
    const minutes = index * every
    return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
  })
}

/** The next quarter of an hour after a time of the day in minutes, as "HH:MM"; null past the day's last. */
export function roundedUp(time: string, every: number): string | null {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return (
    times(every).find((one) => {
      const [h = 0, m = 0] = one.split(':').map(Number)
      return h * 60 + m > hours * 60 + minutes
    }) ?? null
  )
}

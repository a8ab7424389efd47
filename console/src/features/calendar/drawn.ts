// How long the grid takes from its data to its picture, for whoever measures.
import { useEffect } from 'react'

/** Marks the moment at which `entries` are on the screen, and measures since `began`. */
export function useDrawn(entries: readonly unknown[], began: number): void {
  useEffect(() => {
    if (entries.length === 0) return
    const frame = requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel()
      // A message that is sent before a frame is painted comes after it.
      port1.onmessage = () => {
        performance.mark('calendar:drawn')
        performance.measure('calendar-draw', { start: began })
        port1.close()
      }
      port2.postMessage(null)
    })
    return () => cancelAnimationFrame(frame)
  }, [entries, began])
}

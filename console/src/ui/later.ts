// Parts of the page that are loaded when they are first shown.
import { type ComponentType, lazy } from 'react'

const PAUSES_MS = [300, 1_000, 3_000]

/** The network is gone, or a newer version has taken the place of what this page knows: the page has to be loaded anew. */
export class NotLoaded extends Error {}

/** As React's `lazy`; asks again, as a network that changes ends whatever is under way. */
export function later<Props>(load: () => Promise<{ default: ComponentType<Props> }>) {
  return lazy(() => tried(load, PAUSES_MS))
}

async function tried<T>(load: () => Promise<T>, [pause, ...others]: number[]): Promise<T> {
  try {
    return await load()
  } catch (error) {
    // Vite asks for a style once only: another try would succeed without it.
    if (pause === undefined || String(error).includes('preload CSS')) throw new NotLoaded(String(error))
    await new Promise((resume) => setTimeout(resume, pause))
    return tried(load, others)
  }
}

// Parts of the page that are loaded when they are first shown.
import { type ComponentType, lazy } from 'react'

const PAUSES_MS = [300, 1_000, 3_000]
const STYLE = /preload CSS for (\S+)/

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
    if (pause === undefined) throw new NotLoaded(String(error))
    await new Promise((resume) => setTimeout(resume, pause))
    // Vite asks for a style once only, and takes it for loaded ever after.
    const style = STYLE.exec(String(error))?.[1]
    return tried(style ? () => loadStyle(style).then(load) : load, others)
  }
}

function loadStyle(href: string): Promise<void> {
  return new Promise((loaded, failed) => {
    const link = document.createElement('link')
    link.rel = 'stylesheet'
    link.href = href
    link.onload = () => loaded()
    link.onerror = () => failed(new Error(`Unable to preload CSS for ${href}`))
    document.head.append(link)
  })
}

// What the first look at the calendar may load: a build over it fails.
import { readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'

const SCRIPT_KILOBYTES = 300
const STYLE_KILOBYTES = 60

const dist = new URL(`../${process.env.OUT_DIR ?? 'dist'}/`, import.meta.url)
const manifest = JSON.parse(await readFile(new URL('.vite/manifest.json', dist), 'utf8'))

/** The files that an entry loads before it can be shown, by the imports that are not put off. */
function loaded(entry, files = new Set()) {
  const chunk = manifest[entry]
  if (!chunk || files.has(chunk.file)) return files
  files.add(chunk.file)
  for (const style of chunk.css ?? []) files.add(style)
  for (const imported of chunk.imports ?? []) loaded(imported, files)
  return files
}

const files = new Set([...loaded('index.html'), ...loaded('src/features/calendar/CalendarPage.tsx')])
const kilobytes = { js: 0, css: 0 }
for (const file of files)
  kilobytes[file.split('.').at(-1)] += gzipSync(await readFile(new URL(file, dist))).length / 1000
console.log(
  `calendar, first load: ${kilobytes.js.toFixed(0)} kB of script, ${kilobytes.css.toFixed(0)} kB of style, compressed`,
)
if (kilobytes.js > SCRIPT_KILOBYTES || kilobytes.css > STYLE_KILOBYTES) {
  console.error(`over the budget of ${SCRIPT_KILOBYTES} and ${STYLE_KILOBYTES} kB`)
  process.exit(1)
}

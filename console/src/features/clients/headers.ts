// The first line of a table of clients, read here so that columns can be given a meaning before anything is sent.

const READ_BYTES = 64 * 1024
const DELIMITERS = [';', ',', '\t', '|']

/** The headers of a CSV file, in whatever a spreadsheet writes; none where it has none. */
export async function headersOf(file: File): Promise<string[]> {
  const text = decoded(await file.slice(0, READ_BYTES).arrayBuffer())
  const lines = text.split(/\r\n|\r|\n/)
  const first = lines.findIndex((line) => line.replaceAll(/[;,\t|\s"]/g, '') !== '' && !/^sep=/i.test(line.trim()))
  const line = lines[first]
  if (line === undefined) return []
  const told = first > 0 ? /^sep=(.)/i.exec(lines[first - 1]?.trim() ?? '')?.[1] : undefined
  const delimiter =
    told ?? DELIMITERS.reduce((best, one) => (line.split(one).length > line.split(best).length ? one : best))
  return cells(line, delimiter).filter((cell) => cell !== '')
}

function decoded(bytes: ArrayBuffer): string {
  const [first, second] = new Uint8Array(bytes)
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  try {
    // Streaming: the last character may be cut in two.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

function cells(line: string, delimiter: string): string[] {
  const found = []
  let cell = ''
  let quoted = false
  for (const char of line) {
    if (char === '"') quoted = !quoted
    else if (char === delimiter && !quoted) {
      found.push(cell.trim())
      cell = ''
    } else cell += char
  }
  found.push(cell.trim())
  return found
}

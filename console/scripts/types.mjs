// The types of the API client, from the documents that the services publish: a field that changes there breaks the build here.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import openapi, { astToString } from 'openapi-typescript'

const services = ['scheduling', 'clients', 'payments', 'notifications']
const from = new URL('../openapi/', import.meta.url)
const to = new URL('../src/api/generated/', import.meta.url)

/** Mark as present what an answer carries: the documents name as required only what a caller has to send. */
function requireAnswered(document) {
  const schemas = document.components.schemas
  const seen = new Set()
  const visit = (node) => {
    if (node === null || typeof node !== 'object') return
    if (typeof node.$ref === 'string') {
      const name = node.$ref.split('/').at(-1)
      const referred = node.$ref.startsWith('#/components/schemas/')
        ? schemas[name]
        : document.components.responses?.[name]
      if (!seen.has(node.$ref)) {
        seen.add(node.$ref)
        visit(referred)
      }
      return
    }
    if (node.type === 'object' && node.properties) node.required = Object.keys(node.properties)
    for (const value of Object.values(node)) visit(value)
  }
  for (const path of Object.values(document.paths)) {
    for (const operation of Object.values(path)) {
      for (const [status, response] of Object.entries(operation?.responses ?? {})) {
        if (status.startsWith('2')) visit(response)
      }
    }
  }
  return document
}

// What has a default may be left out by the caller; what is answered is marked above.
const options = { defaultNonNullable: false }

await mkdir(to, { recursive: true })
for (const service of services) {
  const document = requireAnswered(JSON.parse(await readFile(new URL(`${service}.json`, from), 'utf8')))
  await writeFile(new URL(`${service}.d.ts`, to), astToString(await openapi(document, options)))
}

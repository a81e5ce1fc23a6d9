import { sentenceOf } from '../../text/sentence.ts'
import type { Cluster } from '../kubernetes/cluster.ts'
import { type Finding, findingId } from './analyzer.ts'
import { type Kind, kinds } from './kinds/index.ts'

export interface Docs {
  /** What the cluster's own schema says about a finding's field, by the finding's id. */
  texts: Map<string, string>
  /** Why some are missing, a sentence each. */
  problems: string[]
}

interface Schema {
  description?: string
  properties?: Record<string, Schema>
  items?: Schema
  additionalProperties?: Schema | boolean
  allOf?: Schema[]
  $ref?: string
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[]
}

type Schemas = Record<string, Schema>

/** Reads the schema of each API that findings are about, once. Rejects only when `signal` is aborted. */
export async function docsOf(findings: Finding[], cluster: Pick<Cluster, 'get'>, signal: AbortSignal): Promise<Docs> {
  const texts = new Map<string, string>()
  const problems = new Set<string>()
  const documented = findings.filter(({ field }) => field !== undefined)
  if (documented.length === 0) return { texts, problems: [] }
  const read = remember((path: string) => cluster.get<unknown>(path, { signal }))
  for (const finding of documented) {
    try {
      const text = await docOf(finding, read)
      if (text) texts.set(findingId(finding), text)
    } catch (error) {
      signal.throwIfAborted()
      problems.add(`The documentation of fields could not be read: ${sentenceOf(error)}`)
    }
  }
  return { texts, problems: [...problems] }
}

type Read = (path: string) => Promise<unknown>

function remember(read: Read): Read {
  const known = new Map<string, Promise<unknown>>()
  return (path) => {
    const answer = known.get(path) ?? read(path)
    known.set(path, answer)
    return answer
  }
}

async function docOf({ object, field = '' }: Finding, read: Read): Promise<string | undefined> {
  if (!Object.hasOwn(kinds, object.kind)) return undefined
  const { api }: Kind = kinds[object.kind as keyof typeof kinds]
  const { paths = {} } = (await read('/openapi/v3')) as { paths?: Record<string, { serverRelativeURL?: string }> }
  for (const base of [api].flat()) {
    const url = paths[base.slice(1)]?.serverRelativeURL
    // An address from an answer is followed on the same server, and only where such documents are.
    if (!url?.startsWith('/openapi/v3/')) continue
    const { components } = (await read(url)) as { components?: { schemas?: Schemas } }
    const text = descriptionOf(field, object.kind, components?.schemas ?? {})
    if (text) return text
  }
  return undefined
}

/** The description of the field, or of the innermost one on the way to it that has one. */
function descriptionOf(field: string, kind: string, schemas: Schemas): string | undefined {
  const root = Object.values(schemas).find((schema) =>
    schema['x-kubernetes-group-version-kind']?.some((one) => one.kind === kind),
  )
  let current = root
  let text: string | undefined
  for (const name of field.replaceAll(/\[[^\]]*\]/g, '').split('.')) {
    const property = propertyOf(name, current, schemas)
    if (!property) break
    text = property.description ?? resolve(property, schemas)?.description ?? text
    current = property
  }
  return text
}

function propertyOf(name: string, schema: Schema | undefined, schemas: Schemas): Schema | undefined {
  const resolved = resolve(schema, schemas)
  const inner = resolved?.items ? resolve(resolved.items, schemas) : resolved
  if (inner?.properties && Object.hasOwn(inner.properties, name)) return inner.properties[name]
  return typeof inner?.additionalProperties === 'object' ? inner.additionalProperties : undefined
}

const mostReferences = 10

/** The schema that `$ref` or a lone `allOf` stands for. */
function resolve(schema: Schema | undefined, schemas: Schemas): Schema | undefined {
  let current = schema
  for (let steps = 0; current && steps < mostReferences; steps++) {
    const reference: string | undefined = current.$ref ?? (current.properties ? undefined : current.allOf?.[0]?.$ref)
    if (reference === undefined) return current
    current = schemas[reference.split('/').at(-1) ?? '']
  }
  return current
}

import { integer } from './logs.ts'
import type { Kinds, Objects, Resource } from './objects.ts'
import { apiVersionOf, resources } from './objects.ts'
import { fieldSelector, labelSelector } from './selectors.ts'
import { badRequest } from './status.ts'
import { table } from './table.ts'
import type { KubernetesObject } from './types.ts'

export type Query = Record<string, string | undefined>

/** The answer to a list request: a list, or a table for a client that asks for one. */
export function list(
  objects: Objects,
  resource: Resource,
  namespace: string | undefined,
  query: Query,
  asTable: boolean,
  now: number,
) {
  const matchesLabels = labelSelector(query.labelSelector ?? '')
  const matchesFields = fieldSelector(query.fieldSelector ?? '', resource)
  const found = objects.list(resource, namespace).filter((object) => matchesLabels(object) && matchesFields(object))
  const start = query.continue ? startOf(query.continue) : ''
  const rest = found.filter((object) => position(object) > start)
  const limit = integer(query.limit) || rest.length
  const items = rest.slice(0, limit)
  const left = rest.length - items.length
  const hasSelector = Boolean(query.labelSelector || query.fieldSelector)
  const metadata = {
    resourceVersion: objects.version(),
    ...(left > 0 && { continue: continueAfter(items.at(-1)!, objects.version()) }),
    ...(left > 0 && !hasSelector && { remainingItemCount: left }),
  }
  if (asTable) return table(resource, items, metadata, query.includeObject ?? '', now)
  const { kind } = resources[resource]
  return { kind: `${kind}List`, apiVersion: apiVersionOf(resource), metadata, items: items.map(withoutKind) }
}

/** One object in the form asked for. */
export function one<R extends Resource>(resource: R, object: Kinds[R], query: Query, asTable: boolean, now: number) {
  if (!asTable) return object
  const { resourceVersion } = object.metadata
  return table(resource, [object], { resourceVersion }, query.includeObject ?? '', now)
}

// In a list the kind stands once, on the list.
function withoutKind({ kind: _kind, apiVersion: _apiVersion, ...object }: KubernetesObject) {
  return object
}

function position({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`
}

function continueAfter(object: KubernetesObject, version: string): string {
  const token = { v: 'meta.k8s.io/v1', rv: Number(version), start: position(object) }
  return Buffer.from(JSON.stringify(token)).toString('base64url')
}

function startOf(token: string): string {
  try {
    const { start } = JSON.parse(Buffer.from(token, 'base64url').toString())
    if (typeof start === 'string') return start
  } catch {
    // Falls through to the refusal, like a token without a start.
  }
  throw badRequest('invalid continue token: continue key is not valid: it was not issued by this server')
}

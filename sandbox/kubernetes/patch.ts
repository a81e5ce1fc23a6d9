import { isDeepStrictEqual } from 'node:util'
import { badRequest, patchRejected, unsupportedMediaType } from './status.ts'

type Json = null | boolean | number | string | Json[] | JsonObject
type JsonObject = { [key: string]: Json }

/** The object with the patch applied, in one of the three patch languages of the API server, chosen by content type. */
export function applyPatch<Kind extends object>(object: Kind, contentType: string, body: string): Kind {
  const target = structuredClone(object) as unknown as JsonObject
  switch (contentType.split(';')[0]?.trim()) {
    case 'application/merge-patch+json':
      return merge(target, objectPatch(body)) as unknown as Kind
    case 'application/strategic-merge-patch+json':
      return strategicMerge(target, objectPatch(body)) as unknown as Kind
    case 'application/json-patch+json':
      return jsonPatch(target, body) as unknown as Kind
    default:
      throw unsupportedMediaType()
  }
}

function objectPatch(body: string): JsonObject {
  const patch = parse(body)
  if (isObject(patch)) return patch
  throw badRequest('error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}')
}

function parse(body: string): Json {
  try {
    return JSON.parse(body)
  } catch (error) {
    throw badRequest(`error decoding patch: ${(error as Error).message}`)
  }
}

/** RFC 7386: null deletes, objects merge, everything else replaces. */
function merge(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  const result = isObject(target) ? target : empty()
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else set(result, key, merge(own(result, key), value))
  }
  return result
}

// Which field tells the elements of a list apart. Lists that are not here are replaced as a whole.
const mergeKeys: Record<string, string[]> = {
  containers: ['name'],
  initContainers: ['name'],
  env: ['name'],
  volumes: ['name'],
  imagePullSecrets: ['name'],
  ports: ['containerPort', 'port'],
  volumeMounts: ['mountPath'],
  conditions: ['type'],
  ownerReferences: ['uid'],
}

/** Kubernetes' own patch language: like merge, but lists of named things merge element by element; `$patch` replaces or deletes. */
function strategicMerge(target: Json | undefined, patch: Json, name = ''): Json {
  if (Array.isArray(patch)) return mergeList(Array.isArray(target) ? target : [], patch, name)
  if (!isObject(patch)) return patch
  const { $patch: directive, ...fields } = patch
  if (directive === 'replace') return fields
  const result = isObject(target) ? target : empty()
  for (const [key, value] of Object.entries(fields)) {
    if (key.startsWith('$')) continue
    if (value === null || (isObject(value) && value.$patch === 'delete')) delete result[key]
    else set(result, key, strategicMerge(own(result, key), value, key))
  }
  return result
}

function mergeList(target: Json[], patch: Json[], name: string): Json[] {
  const key = mergeKeys[name]?.find((candidate) => patch.some((item) => isObject(item) && candidate in item))
  const replaces = patch.some((item) => isObject(item) && item.$patch === 'replace')
  if (key === undefined || replaces) return patch.filter((item) => !isObject(item) || item.$patch !== 'replace')
  const result = [...target]
  const added: Json[] = []
  for (const item of patch.filter(isObject)) {
    const index = result.findIndex((existing) => isObject(existing) && existing[key] === item[key])
    if (item.$patch === 'delete') result.splice(index, index < 0 ? 0 : 1)
    else if (index < 0) added.push(strategicMerge(undefined, item))
    else result[index] = strategicMerge(result[index], item)
  }
  // The API server puts what a patch adds before what was there.
  return [...added, ...result]
}

/** RFC 6902. */
function jsonPatch(target: JsonObject, body: string): Json {
  const operations = parse(body)
  if (!Array.isArray(operations))
    throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp')
  const root: JsonObject = { document: target }
  for (const operation of operations) {
    if (!isObject(operation)) throw patchRejected()
    runOperation(root, operation)
  }
  return root.document!
}

function runOperation(root: JsonObject, operation: JsonObject): void {
  const { op, path, from, value } = operation
  if (op === 'add') insert(root, path, required(value))
  else if (op === 'remove') take(root, path)
  else if (op === 'replace') {
    take(root, path)
    insert(root, path, required(value))
  } else if (op === 'move') insert(root, path, take(root, from))
  else if (op === 'copy') insert(root, path, structuredClone(read(root, from)))
  else if (op !== 'test' || !isDeepStrictEqual(read(root, path), required(value))) throw patchRejected()
}

function required(value: Json | undefined): Json {
  if (value === undefined) throw patchRejected()
  return value
}

function insert(root: JsonObject, path: Json | undefined, value: Json): void {
  const { parent, last } = locate(root, path)
  if (!Array.isArray(parent)) {
    set(parent, last, value)
    return
  }
  const index = last === '-' ? parent.length : Number(last)
  if (!Number.isInteger(index) || index < 0 || index > parent.length) throw patchRejected()
  parent.splice(index, 0, value)
}

function take(root: JsonObject, path: Json | undefined): Json {
  const value = read(root, path)
  const { parent, last } = locate(root, path)
  if (Array.isArray(parent)) parent.splice(Number(last), 1)
  else delete parent[last]
  return value
}

function read(root: JsonObject, path: Json | undefined): Json {
  const { parent, last } = locate(root, path)
  return required(step(parent, last))
}

function locate(root: JsonObject, path: Json | undefined): { parent: JsonObject | Json[]; last: string } {
  if (typeof path !== 'string' || !/^(\/|$)/.test(path)) throw patchRejected()
  const steps = ['document', ...path.split('/').slice(1).map(unescapePointer)]
  const last = steps.pop() as string
  let parent: JsonObject | Json[] = root
  for (const name of steps) {
    const next = step(parent, name)
    if (!isObject(next) && !Array.isArray(next)) throw patchRejected()
    parent = next
  }
  return { parent, last }
}

function step(parent: JsonObject | Json[], name: string): Json | undefined {
  if (!Array.isArray(parent)) return own(parent, name)
  return /^\d+$/.test(name) ? parent[Number(name)] : undefined
}

function unescapePointer(text: string): string {
  return text.replaceAll('~1', '/').replaceAll('~0', '~')
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function empty(): JsonObject {
  return {}
}

function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

// A patch comes from outside: a key called __proto__ must become data like any other.
function set(object: JsonObject, key: string, value: Json): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}

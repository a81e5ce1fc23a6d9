import type { Resource } from './objects.ts'
import { badRequest } from './status.ts'
import type { KubernetesObject } from './types.ts'

type Matches = (object: KubernetesObject) => boolean

/** The label selector language of list requests: `a=b,c!=d,e in (f,g),h notin (i),j,!k`. */
export function labelSelector(text: string): Matches {
  const requirements = splitRequirements(text).map(labelRequirement)
  return (object) => requirements.every((holds) => holds(object.metadata.labels ?? {}))
}

/** The field selector language: `metadata.name=a,status.phase!=Running`, for the fields that the resource knows. */
export function fieldSelector(text: string, resource: Resource): Matches {
  const requirements = text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => fieldRequirement(part, resource))
  return (object) => requirements.every((holds) => holds(object))
}

export function matchesLabels(labels: Record<string, string> | undefined, wanted: Record<string, string>): boolean {
  return Object.entries(wanted).every(([label, value]) => labels?.[label] === value)
}

// Commas inside parentheses belong to a set, not to the list of requirements.
function splitRequirements(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function labelRequirement(text: string): (labels: Record<string, string>) => boolean {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text)
  if (set) {
    const [, label = '', operator, list = ''] = set
    const values = list.split(',').map((value) => value.trim())
    const isIn = (labels: Record<string, string>) => values.includes(labels[label] ?? '\0')
    return operator === 'in' ? isIn : (labels) => !isIn(labels)
  }
  const equality = /^([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)$/.exec(text)
  if (equality) {
    const [, label = '', operator, value] = equality
    return operator === '!=' ? (labels) => labels[label] !== value : (labels) => labels[label] === value
  }
  if (/\s(in|notin)$/.test(text)) throw badRequest("unable to parse requirement: found '' expected: '('")
  const presence = /^(!?)\s*([\w./-]+)$/.exec(text)
  if (!presence) throw badRequest(`unable to parse requirement: found '${lastWord(text)}'`)
  const [, absent, label = ''] = presence
  return absent ? (labels) => !Object.hasOwn(labels, label) : (labels) => Object.hasOwn(labels, label)
}

function lastWord(text: string): string {
  return text.split(/\s+/).at(-1) ?? ''
}

const always = ['metadata.name', 'metadata.namespace']

const knownFields: Partial<Record<Resource, string[]>> = {
  pods: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'status.phase',
    'status.podIP',
  ],
  events: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  namespaces: ['status.phase'],
  nodes: ['spec.unschedulable'],
  secrets: ['type'],
}

function fieldRequirement(text: string, resource: Resource): Matches {
  const parsed = /^([^=!]+)(==|=|!=)(.*)$/.exec(text)
  if (!parsed) throw badRequest(`invalid selector: '${text}'; can't understand '${text}'`)
  const [, field = '', operator, value] = parsed
  const extra = knownFields[resource]
  if (!always.includes(field) && !extra?.includes(field)) throw unknownField(field, extra !== undefined)
  return operator === '!='
    ? (object) => fieldValue(object, field) !== value
    : (object) => fieldValue(object, field) === value
}

function unknownField(field: string, hasOwnFields: boolean) {
  if (hasOwnFields) return badRequest(`field label not supported: ${field}`)
  return badRequest(`"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`)
}

function fieldValue(object: KubernetesObject, field: string): string {
  const path = field === 'source' ? ['source', 'component'] : field.split('.')
  let value: unknown = object
  for (const step of path) value = (value as Record<string, unknown> | undefined)?.[step]
  return value === undefined ? '' : String(value)
}

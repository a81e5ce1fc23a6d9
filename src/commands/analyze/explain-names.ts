import type { Sensitive } from '../../text/anonymise.ts'
import type { Finding, ObjectRef } from '../../tools/analyzers/analyzer.ts'
import { type KindName, kinds } from '../../tools/analyzers/kinds/index.ts'
import type { Report } from '../../tools/analyzers/run.ts'

/** Every name that a report and the objects behind it hold: of objects, namespaces, nodes, containers, images, hosts, and values of labels. */
export function namesIn({ findings, unchecked, snapshot }: Report): Sensitive[] {
  const names: Sensitive[] = findings.flatMap(namesOf)
  for (const { namespace } of unchecked)
    if (namespace) names.push({ type: 'Namespace', name: namespace, isObject: true })
  for (const kind of Object.keys(kinds) as KindName[])
    for (const object of snapshot.list(kind) as { metadata: { name: string; namespace?: string } }[]) {
      // What an event is called and what it says are texts about other objects.
      if (kind === 'Event') continue
      const { name, namespace } = object.metadata
      names.push({ type: kind, name, isObject: true })
      if (namespace) names.push({ type: 'Namespace', name: namespace, isObject: true })
      collect(object, '', names)
    }
  return names
}

const namesOf = ({ object, owner, affects = [], evidence }: Finding): Sensitive[] =>
  [object, owner, ...affects, ...evidence.map((one) => one.object)].flatMap(refNames)

const refNames = ({ kind, name, namespace }: ObjectRef): Sensitive[] => [
  { type: kind, name, isObject: true },
  ...(namespace === undefined ? [] : [{ type: 'Namespace', name: namespace, isObject: true }]),
]

const labelMaps = new Set(['labels', 'matchLabels', 'nodeSelector', 'selector'])
/** Fields whose values are names of something, by what they are the names of. */
const fields: [field: RegExp, type: string][] = [
  [/^(?:host|hosts|hostnames|hostname|externalName)$/, 'host'],
  [/^nodeName$/, 'Node'],
  [/^namespace$/, 'Namespace'],
  [/^secretName$/, 'Secret'],
  [/^claimName$|^volumeName$/, 'Volume'],
  [/^image$/, 'image'],
  [/^(?:name|\w+Name)$/, 'name'],
]

function collect(value: unknown, field: string, names: Sensitive[]): void {
  if (typeof value === 'string') {
    const type = fields.find(([pattern]) => pattern.test(field))?.[1]
    if (type) names.push({ type, name: type === 'image' ? withoutTag(value) : value })
    return
  }
  if (Array.isArray(value)) {
    for (const item of value) collect(item, field, names)
    return
  }
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    // Ports have names such as `http`, which are everybody's.
    if (key === 'ports') continue
    if (labelMaps.has(key) && isTexts(inner))
      for (const text of Object.values(inner)) names.push({ type: 'label', name: text })
    collect(inner, key, names)
  }
}

const withoutTag = (image: string): string => image.replace(/@.*$/, '').replace(/:[^/:]*$/, '')

const isTexts = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'string')

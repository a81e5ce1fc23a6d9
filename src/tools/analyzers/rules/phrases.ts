import type { ObjectRef } from '../analyzer.ts'
import type { LabelSelector, Meta } from '../kinds/meta.ts'
import { refOf, type Snapshot } from '../snapshot.ts'

/** `shop/api`, or the name alone of what is in no namespace. */
export const fullName = ({ namespace, name }: { namespace?: string | undefined; name: string }): string =>
  namespace === undefined ? name : `${namespace}/${name}`

/** `a, b, c and 2 more`. */
export function listed(names: string[], most = 3): string {
  const shown = names.slice(0, most)
  const rest = names.length - shown.length
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`
  return shown.length > 1 ? `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}` : (shown[0] ?? '')
}

/** `1 pod`, `3 pods`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** `app=web,tier=front`, as a `labels=` argument takes it. */
export const pairsOf = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')

export const distinct = <Item>(items: Iterable<Item>): Item[] => [...new Set(items)]

/** The latest of some times; unknown ones do not count. */
export const latest = (...times: (string | undefined)[]): string | undefined =>
  times
    .filter((time) => time !== undefined && !Number.isNaN(Date.parse(time)))
    .sort((a, b) => Date.parse(a!) - Date.parse(b!))
    .at(-1)

/** The objects of a kind by namespace, so that each is looked at once however many ask. */
export function byNamespace<Item extends { metadata: { namespace?: string | undefined } }>(
  items: Item[],
): Map<string, Item[]> {
  return Map.groupBy(items, ({ metadata }) => metadata.namespace ?? '')
}

/** Namespaces of the cluster itself, whose ways are not their users' doing. */
export const isSystemNamespace = (namespace: string | undefined): boolean =>
  namespace === 'kube-system' || namespace === 'kube-public' || namespace === 'kube-node-lease'

/** What a finding is about: the object, and the controller at its top. */
export const about = (kind: string, meta: Meta, snapshot: Snapshot): { object: ObjectRef; owner: ObjectRef } => ({
  object: refOf(kind, meta),
  owner: snapshot.ownerOf(kind, meta),
})

/** `app=web,tier in (front,back)`, as a `labels=` argument takes it. */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key
    if (operator === 'DoesNotExist') return `!${key}`
    return `${key} ${operator.toLowerCase()} (${values.join(',')})`
  })
  return [...(Object.keys(matchLabels).length > 0 ? [pairsOf(matchLabels)] : []), ...expressions].join(',')
}

/** The one workload that these pods belong to; `undefined` for none and for several. */
export function soleOwner(pods: { metadata: Meta }[], snapshot: Snapshot): ObjectRef | undefined {
  const [first, ...others] = pods.map(({ metadata }) => snapshot.ownerOf('Pod', metadata))
  return first && others.every(({ kind, name }) => kind === first.kind && name === first.name) ? first : undefined
}

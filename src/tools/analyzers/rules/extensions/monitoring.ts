import type { Finding } from '../../analyzer.ts'
import type { Prometheus } from '../../kinds/extensions.ts'
import type { KindName } from '../../kinds/index.ts'
import { type LabelSelector, type Meta, matchesSelector } from '../../kinds/meta.ts'
import type { Snapshot } from '../../snapshot.ts'
import { fullName, listed } from '../phrases.ts'
import { type Subject, sinceOf } from '../subject.ts'

type SelectorField = keyof NonNullable<Prometheus['spec']>

/** Which field of a server picks the objects of a kind, and which picks the namespaces they may be in. */
interface Choice {
  servers: KindName[]
  selector: SelectorField
  namespaces: SelectorField
}

/** Reports what no Prometheus of the cluster takes up. Where no server is to be seen, somebody else may read these objects. */
export function notTakenUp(metadata: Meta, choice: Choice, subject: Subject, snapshot: Snapshot): Finding[] {
  const { who, title, shows } = subject
  const servers = choice.servers.flatMap((kind) => snapshot.list(kind) as Prometheus[])
  if (servers.length === 0 || choice.servers.some((kind) => isUnread(kind, snapshot))) return []
  if (servers.some((server) => takesUp(server, metadata, choice, snapshot))) return []
  const wanted = servers.flatMap(({ spec }) => spec?.[choice.selector] ?? []).map(({ matchLabels }) => matchLabels)
  const names = servers.map((server) => fullName(server.metadata))
  return [
    {
      ...who,
      reason: 'NotSelected',
      severity: 'warning',
      confidence: 'medium',
      text: `${title} is taken up by none of ${listed(names)}: no ${choice.selector} there matches its labels and namespace.`,
      ...sinceOf(metadata.creationTimestamp),
      evidence: [
        shows('metadata.labels', JSON.stringify(metadata.labels ?? {})),
        ...wanted.slice(0, 2).map((labels) => shows(choice.selector, JSON.stringify(labels ?? {}))),
      ],
      next: 'k8s_list kind=Prometheus',
      field: 'metadata.labels',
    },
  ]
}

// An agent or ruler that is not installed takes nothing up.
const isUnread = (kind: KindName, { unread }: Snapshot): boolean =>
  unread.some((gap) => gap.kind === kind && gap.gap !== 'not-served')

function takesUp({ metadata, spec }: Prometheus, meta: Meta, choice: Choice, snapshot: Snapshot): boolean {
  const selector = spec?.[choice.selector]
  // Without a selector nothing is taken; an empty one takes all.
  if (!selector || !matchesSelector(selector, meta.labels)) return false
  const namespaces = spec?.[choice.namespaces]
  if (!namespaces) return metadata.namespace === meta.namespace
  if (isEmpty(namespaces)) return true
  const home = snapshot.find('Namespace', undefined, meta.namespace ?? '')
  // A namespace that could not be read may have the labels.
  return !home || matchesSelector(namespaces, home.metadata.labels)
}

const isEmpty = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean =>
  Object.keys(matchLabels).length === 0 && matchExpressions.length === 0

/** What a monitor looks for, and where. */
export interface Search {
  kind: 'Service' | 'Pod'
  selector: LabelSelector | undefined
  namespaceSelector: { any?: boolean | undefined; matchNames?: string[] | undefined } | undefined
}

/** The Services or pods that a monitor picks; `undefined` when not all of them can be known. */
export function targetsOf<Kind extends 'Service' | 'Pod'>(
  kind: Kind,
  { selector, namespaceSelector }: Omit<Search, 'kind'>,
  metadata: Meta,
  snapshot: Snapshot,
) {
  const names = namespaceSelector?.matchNames ?? []
  const isAnywhere = namespaceSelector?.any === true
  const where = names.length > 0 ? names : [metadata.namespace ?? '']
  const known = isAnywhere ? snapshot.isKnown(kind) : where.every((name) => snapshot.isKnown(kind, name))
  if (!known) return undefined
  return snapshot
    .list(kind)
    .filter((one) => isAnywhere || where.includes(one.metadata.namespace ?? ''))
    .filter((one) => matchesSelector(selector ?? noSelector, one.metadata.labels))
}

const noSelector: LabelSelector = { matchLabels: undefined, matchExpressions: undefined }

export const selectsNothing = (
  kind: 'Service' | 'Pod',
  selector: LabelSelector | undefined,
  metadata: Meta,
  { who, title, shows }: Subject,
): Finding => ({
  ...who,
  reason: 'SelectsNothing',
  // Charts bring monitors for parts that are switched off.
  severity: 'info',
  confidence: 'high',
  text: `${title} selects no ${kind}.`,
  ...sinceOf(metadata.creationTimestamp),
  evidence: [shows('spec.selector', JSON.stringify(selector ?? {}))],
  next: `k8s_list kind=${kind} namespace=${metadata.namespace}`,
  field: 'spec.selector',
})

/** An endpoint of a monitor asks for a port that nothing it selects has. */
export const portNotFound = (
  path: string,
  port: string,
  targets: string[],
  offered: string[],
  { who, title, shows, get }: Subject,
): Finding => ({
  ...who,
  reason: `PortNotFound-${port}`,
  severity: 'warning',
  confidence: 'high',
  text: `${title} asks for the port ${port}, which ${listed(targets)} ${targets.length > 1 ? 'do' : 'does'} not have.`,
  evidence: [shows(path, port), shows('ports', offered.length > 0 ? listed(offered, 10) : 'none')],
  next: get,
  field: 'spec',
})

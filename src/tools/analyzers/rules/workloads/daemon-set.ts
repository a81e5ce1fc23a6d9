import { nearest } from '../../../../text/nearest.ts'
import type { Analyzer, Evidence, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { Condition } from '../../kinds/meta.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { conditionOf, hasLasted, isNew, minute } from '../age.ts'
import { counted, distinct, fullName, latest, listed, pairsOf } from '../phrases.ts'
import { unreadySince } from './availability.ts'
import { because } from './trouble.ts'

type DaemonSet = ObjectOf<'DaemonSet'>
type Node = ObjectOf<'Node'>

const rolloutGrace = 10 * minute
const usualGrace = 2 * minute
const joinGrace = 5 * minute

export const daemonSet: Analyzer = {
  name: 'DaemonSet',
  finds: 'pods that are not ready, selectors that no node matches',
  core: true,
  reads: ['DaemonSet', 'Pod', 'Node', 'Event'],
  inspect: (snapshot) =>
    snapshot
      .list('DaemonSet')
      .filter((one) => isObserved(one) && !one.metadata.deletionTimestamp && !isNew(one.metadata, snapshot))
      .flatMap((one) => [...unavailable(one, snapshot), ...matchesNoNode(one, snapshot)]),
}

const isObserved = ({ metadata, status }: DaemonSet): boolean =>
  status !== undefined && (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)

function unavailable(one: DaemonSet, snapshot: Snapshot): Finding[] {
  const { metadata, status } = one
  const desired = status?.desiredNumberScheduled ?? 0
  const ready = status?.numberReady ?? 0
  const excused = podsOnAbsentNodes(one, snapshot)
  const missing = desired - ready - excused
  if (missing <= 0) return []
  const since = shortSince(one, snapshot)
  const isRolling = (status?.updatedNumberScheduled ?? 0) < desired
  if (!hasLasted(since, isRolling ? rolloutGrace : usualGrace, snapshot)) return []
  const refusal = snapshot.eventsOf('DaemonSet', metadata).find(({ type }) => type === 'Warning')
  return [
    {
      ...base(one),
      reason: 'ReplicasUnavailable',
      severity: ready === 0 ? 'critical' : 'warning',
      text: `DaemonSet ${fullName(metadata)} has ${ready} of ${counted(desired, 'pod')} ready${because(refusal?.message)}.`,
      ...(since !== undefined && { since }),
      evidence: [
        at(one, 'status.desiredNumberScheduled', desired),
        at(one, 'status.numberReady', ready),
        at(one, 'status.updatedNumberScheduled', status?.updatedNumberScheduled ?? 0),
        at(one, 'status.numberMisscheduled', status?.numberMisscheduled ?? 0),
        ...(refusal ? [at(one, `event/${refusal.reason}`, refusal.message ?? '')] : []),
        ...unreadyNodes(one, snapshot),
      ],
      next: `k8s_list_pods namespace=${metadata.namespace} match=${metadata.name}`,
      field: 'status.numberReady',
    },
  ]
}

/** Their absence is the node's fault, or only a matter of time. */
function podsOnAbsentNodes(one: DaemonSet, snapshot: Snapshot): number {
  const absent = new Set(
    snapshot
      .list('Node')
      .filter((node) => !isReady(node) || !hasLasted(node.metadata.creationTimestamp, joinGrace, snapshot))
      .map(({ metadata }) => metadata.name),
  )
  return unreadyPods(one, snapshot).filter(({ spec }) => absent.has(spec?.nodeName ?? '')).length
}

const isReady = ({ status }: { status?: { conditions?: Condition[] | undefined } | undefined }): boolean =>
  conditionOf(status?.conditions, 'Ready')?.status === 'True'

const unreadyPods = ({ metadata }: DaemonSet, snapshot: Snapshot) =>
  snapshot.podsOf(refOf('DaemonSet', metadata)).filter((pod) => !isReady(pod))

function unreadyNodes(one: DaemonSet, snapshot: Snapshot): Evidence[] {
  const names = distinct(unreadyPods(one, snapshot).flatMap(({ spec }) => spec?.nodeName ?? []))
  return names.length === 0 ? [] : [at(one, 'nodes with unready pods', listed(names))]
}

/** A DaemonSet keeps no conditions, so the times come from its pods. */
const shortSince = (one: DaemonSet, snapshot: Snapshot): string | undefined =>
  latest(...unreadyPods(one, snapshot).map(unreadySince)) ?? one.metadata.creationTimestamp

// Wanting another platform than this cluster has is usual: one chart brings a DaemonSet for each.
const platforms = ['kubernetes.io/os', 'kubernetes.io/arch', 'beta.kubernetes.io/os', 'beta.kubernetes.io/arch']

function matchesNoNode(one: DaemonSet, snapshot: Snapshot): Finding[] {
  const { metadata, spec, status } = one
  const selector = spec?.template?.spec?.nodeSelector ?? {}
  const nodes = snapshot.list('Node')
  if ((status?.desiredNumberScheduled ?? 0) > 0 || !snapshot.isKnown('Node') || nodes.length === 0) return []
  const unmet = Object.entries(selector).filter(([key, value]) =>
    nodes.every((node) => node.metadata.labels?.[key] !== value),
  )
  const typo = unmet.flatMap(([key, value]) => meantBy(key, value, nodes))[0]
  if (unmet.length === 0 || (!typo && unmet.some(([key]) => platforms.includes(key)))) return []
  return [
    {
      ...base(one),
      reason: 'NoMatchingNode',
      severity: typo ? 'warning' : 'info',
      confidence: 'medium',
      text: `DaemonSet ${fullName(metadata)} wants no pod at all: no node has the labels ${pairsOf(Object.fromEntries(unmet))} of its nodeSelector${typo ? `, but there are nodes with ${typo}` : ''}.`,
      evidence: [
        at(one, 'status.desiredNumberScheduled', 0),
        at(one, 'spec.template.spec.nodeSelector', pairsOf(selector)),
        ...(typo
          ? [{ object: { kind: 'Node', name: labelled(nodes, typo) }, path: 'metadata.labels', value: typo }]
          : []),
      ],
      next: `k8s_list kind=Node; then correct the nodeSelector of DaemonSet ${metadata.name} or label the nodes`,
      field: 'spec.template.spec.nodeSelector',
    },
  ]
}

/** A label that nodes have and that differs from the wanted one in few letters. */
function meantBy(key: string, value: string, nodes: Node[]): string[] {
  const values = distinct(nodes.flatMap(({ metadata }) => metadata.labels?.[key] ?? []))
  const near = values.length > 0 ? nearest(value, values).filter((one) => isTypo(value, one)) : []
  return near.map((one) => `${key}=${one}`)
}

/** Short words are near to many others: `arm64` and `amd64` are both meant. */
const isTypo = (wanted: string, found: string): boolean =>
  wanted.toLowerCase() === found.toLowerCase() || (wanted.length > 6 && Math.abs(wanted.length - found.length) <= 1)

const labelled = (nodes: Node[], pair: string): string =>
  nodes.find(({ metadata }) => Object.entries(metadata.labels ?? {}).some((entry) => entry.join('=') === pair))
    ?.metadata.name ?? ''

function base({ metadata }: DaemonSet): Pick<Finding, 'object' | 'owner' | 'confidence'> {
  const object = refOf('DaemonSet', metadata)
  return { object, owner: object, confidence: 'high' }
}

const at = ({ metadata }: DaemonSet, path: string, value: string | number): Evidence => ({
  object: refOf('DaemonSet', metadata),
  path,
  value: String(value),
})

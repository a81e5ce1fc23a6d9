import type { Analyzer, Finding, ObjectRef } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { affectedBy, isWell } from '../affected.ts'
import { conditionOf, day, hasLasted, minute } from '../age.ts'
import { counted, listed } from '../phrases.ts'
import { type Subject, sinceOf, subjectOf } from '../subject.ts'

type Node = ObjectOf<'Node'>
type Pod = ObjectOf<'Pod'>

/** A node with the pods on it. */
interface Case extends Subject {
  node: Node
  pods: Pod[]
  snapshot: Snapshot
}

const readyGrace = 2 * minute
const pressureGrace = minute
const cordonGrace = day
/** Kubelets may be this many minor versions older than the API server. */
const supportedSkew = 3

export const node: Analyzer = {
  name: 'Node',
  finds:
    'nodes that are not ready, under pressure, cordoned for days, tainted so that pods are evicted, or with a kubelet too old',
  core: true,
  reads: ['Node', 'Pod'],
  inspect(snapshot) {
    const nodes = snapshot.list('Node')
    const pods = Map.groupBy(snapshot.list('Pod'), ({ spec }) => spec?.nodeName ?? '')
    const down = nodes.filter((one) => isDown(one, snapshot))
    const newest = Math.max(...nodes.map((one) => minorOf(one) ?? 0))
    return nodes.flatMap((one) => {
      const { metadata } = one
      const found = {
        ...subjectOf('Node', metadata, snapshot),
        node: one,
        pods: pods.get(metadata.name) ?? [],
        snapshot,
      }
      if (down.includes(one)) return [notReady(found, down.length / nodes.length)]
      return [...pressures(found), ...cordoned(found), ...evicting(found), ...outdated(found, newest)]
    })
  },
}

function isDown({ metadata, status }: Node, snapshot: Snapshot): boolean {
  const ready = conditionOf(status?.conditions, 'Ready')
  return (
    ready?.status !== 'True' && hasLasted(ready?.lastTransitionTime ?? metadata.creationTimestamp, readyGrace, snapshot)
  )
}

function notReady({ who, title, shows, get, node, pods, snapshot }: Case, shareDown: number): Finding {
  const ready = conditionOf(node.status?.conditions, 'Ready')
  const state = ready ? `Ready=${ready.status}${ready.reason ? ` (${ready.reason})` : ''}` : 'no Ready condition'
  const since = ready?.lastTransitionTime ?? node.metadata.creationTimestamp
  return {
    ...who,
    reason: 'NodeNotReady',
    severity: isControlPlane(node) || shareDown > 1 / 3 ? 'critical' : 'warning',
    confidence: 'high',
    text: `${title} has ${state}, with ${counted(pods.length, 'pod')} on it.`,
    ...sinceOf(since),
    evidence: [
      shows('status.conditions[Ready].status', ready?.status ?? 'not set'),
      ...(ready?.message ? [shows('status.conditions[Ready].message', ready.message)] : []),
      ...taintsOf(node)
        .filter(({ key }) => key.startsWith(ownTaints))
        .map(({ key, effect }) => shows('spec.taints', `${key}:${effect}`)),
    ],
    next: get,
    affects: lostWith(pods, since, snapshot),
    field: 'status.conditions',
  }
}

const isControlPlane = ({ metadata: { labels = {} } }: Node): boolean =>
  'node-role.kubernetes.io/control-plane' in labels || 'node-role.kubernetes.io/master' in labels

/** The pods on it that do not work any more, and those that should take their place and find none. */
function lostWith(pods: Pod[], since: string | undefined, snapshot: Snapshot): ObjectRef[] {
  const lost = pods.filter((pod) => pod.metadata.deletionTimestamp || !isWell(pod))
  const owners = new Map(
    lost.map(({ metadata }) => snapshot.ownerOf('Pod', metadata)).map((owner) => [JSON.stringify(owner), owner]),
  )
  const homeless = [...owners.values()]
    .flatMap((owner) => snapshot.podsOf(owner))
    .filter(({ spec, metadata }) => !spec?.nodeName && (metadata.creationTimestamp ?? '') >= (since ?? ''))
  return affectedBy([...lost, ...homeless], snapshot)
}

// Whether True is good or bad is not known for any other type.
const badWhenTrue = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable']

function pressures({ who, title, shows, get, node, pods, snapshot }: Case): Finding[] {
  const evicted = pods.filter(({ status }) => status?.reason === 'Evicted')
  return badWhenTrue.flatMap((type) => {
    const condition = conditionOf(node.status?.conditions, type)
    if (condition?.status !== 'True' || !hasLasted(condition.lastTransitionTime, pressureGrace, snapshot)) return []
    return [
      {
        ...who,
        reason: type,
        severity: 'warning' as const,
        confidence: 'high' as const,
        text: `${title} has ${type}=True${condition.reason ? ` (${condition.reason})` : ''}${evicted.length > 0 ? `; ${counted(evicted.length, 'pod')} on it ${evicted.length === 1 ? 'was' : 'were'} evicted` : ''}.`,
        ...sinceOf(condition.lastTransitionTime),
        evidence: [
          shows(`status.conditions[${type}]`, condition.message ?? 'True'),
          ...evicted.slice(0, 2).map(({ metadata, status }) => ({
            object: refOf('Pod', metadata),
            path: 'status.message',
            value: status?.message ?? 'Evicted',
          })),
        ],
        next: get,
        affects: evicted.map(({ metadata }) => refOf('Pod', metadata)),
        field: 'status.conditions',
      },
    ]
  })
}

function cordoned({ who, title, shows, get, node, snapshot }: Case): Finding[] {
  const since = node.spec?.taints?.find(({ key }) => key === 'node.kubernetes.io/unschedulable')?.timeAdded
  if (!node.spec?.unschedulable || !hasLasted(since, cordonGrace, snapshot)) return []
  return [
    {
      ...who,
      reason: 'Cordoned',
      severity: 'info',
      confidence: 'high',
      text: `${title} is cordoned: spec.unschedulable is true.`,
      ...sinceOf(since),
      evidence: [shows('spec.unschedulable', 'true')],
      next: get,
      field: 'spec.unschedulable',
    },
  ]
}

/** Somebody's taint drives pods away right now. Where it stands and drives nobody away, it is how the node is meant to be. */
function evicting({ who, title, shows, get, node, pods }: Case): Finding[] {
  const taints = taintsOf(node).filter(({ key, effect }) => effect === 'NoExecute' && !key.startsWith(ownTaints))
  const leaving = pods.filter(
    ({ status }) => conditionOf(status?.conditions, 'DisruptionTarget')?.reason === 'DeletionByTaintManager',
  )
  if (taints.length === 0 || leaving.length === 0) return []
  return [
    {
      ...who,
      reason: 'TaintEvicts',
      severity: 'info',
      confidence: 'medium',
      text: `${title} has the taint ${listed(taints.map(({ key }) => key))} with the effect NoExecute, and ${counted(leaving.length, 'pod')} on it ${leaving.length === 1 ? 'is' : 'are'} being evicted.`,
      evidence: taints.map(({ key, effect }) => shows('spec.taints', `${key}:${effect}`)),
      next: get,
      field: 'spec.taints',
    },
  ]
}

// Put there by the cluster itself, as a consequence.
const ownTaints = 'node.kubernetes.io/'
const taintsOf = ({ spec }: Node) => spec?.taints ?? []

/** The API server is at least as new as the newest kubelet, so an older one is at least this far behind. */
function outdated({ who, title, shows, get, node }: Case, newest: number): Finding[] {
  const version = node.status?.nodeInfo?.kubeletVersion ?? ''
  const minor = minorOf(node)
  if (minor === undefined || newest - minor <= supportedSkew) return []
  return [
    {
      ...who,
      reason: 'KubeletTooOld',
      severity: 'info',
      confidence: 'medium',
      text: `${title} runs kubelet ${version}, more than ${supportedSkew} minor versions behind 1.${newest} on other nodes.`,
      evidence: [shows('status.nodeInfo.kubeletVersion', version)],
      next: get,
      field: 'status.nodeInfo',
    },
  ]
}

function minorOf({ status }: Node): number | undefined {
  const minor = /^v?1\.(\d+)/.exec(status?.nodeInfo?.kubeletVersion ?? '')?.[1]
  return minor === undefined ? undefined : Number(minor)
}

import { readinessGraceMs } from '../../../kubernetes/probes.ts'
import type { Analyzer, Evidence, Finding, ObjectRef } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { conditionOf, hasLasted, isNew, minute } from '../age.ts'
import { merged } from '../merge.ts'
import { about, counted, fullName, latest, listed, pairsOf } from '../phrases.ts'
import { type Template, templateKinds, templatesAreKnown } from '../templates.ts'
import { type Endpoints, none } from './endpoints.ts'
import { ports } from './service-ports.ts'
import { finding, isLive, type Scene, type Surroundings, sceneOf, surroundingsOf } from './service-scene.ts'

/** Services that lead nowhere, or not everywhere they should. */
export const service: Analyzer = {
  name: 'Service',
  finds: 'selectors that match nothing, no ready endpoint, ports that no container has',
  core: true,
  reads: ['Service', 'EndpointSlice', 'Pod', 'ReplicaSet', ...templateKinds, 'Event'],
  inspect(snapshot) {
    const surroundings = surroundingsOf(snapshot)
    const findings = snapshot
      .list('Service')
      .filter((one) => isOrdinary(one) && !isNew(one.metadata, snapshot))
      .flatMap((one) => {
        const scene = sceneOf(one, surroundings, snapshot)
        return [
          ...(scene ? withSelector(scene) : withoutSelector(one, surroundings, snapshot)),
          ...events(one, snapshot),
        ]
      })
    return merged(findings)
  },
}

type Service = ObjectOf<'Service'>
type Pod = ObjectOf<'Pod'>

/** ExternalName Services have no endpoints, leader elections keep a Service only for its annotation. */
const isOrdinary = ({ metadata, spec }: Service): boolean =>
  spec?.type !== 'ExternalName' &&
  !metadata.deletionTimestamp &&
  metadata.annotations?.['control-plane.alpha.kubernetes.io/leader'] === undefined

function withSelector(scene: Scene): Finding[] {
  const { service: one, pods, templates, snapshot } = scene
  const { namespace } = one.metadata
  if (!snapshot.isKnown('Pod', namespace)) return withUnknownPods(scene)
  const known = snapshot.isKnown('EndpointSlice', namespace)
  const ready = known ? scene.endpoints.ready + scene.endpoints.serving : pods.filter(isReady).length
  if (ready > 0) return [...someNotReady(scene), ...ports(scene)]
  if (pods.length > 0) return [...noneReady(scene), ...ports(scene)]
  if (templates.some(({ wanted }) => wanted > 0)) return noPods(scene)
  return templates.length > 0 ? asleep(scene) : matchesNothing(scene)
}

const isReady = ({ status }: Pod): boolean => conditionOf(status?.conditions, 'Ready')?.status === 'True'

/** Without pods the slices still say that nothing answers, but not why. */
function withUnknownPods(scene: Scene): Finding[] {
  const { service: one, endpoints, snapshot } = scene
  const isEmpty = endpoints.ready + endpoints.serving === 0
  if (!snapshot.isKnown('EndpointSlice', one.metadata.namespace) || endpoints.notReady === 0 || !isEmpty) return []
  return [
    finding(scene, {
      reason: 'NoReadyEndpoints',
      severity: 'warning',
      confidence: 'medium',
      text: `Service ${fullName(one.metadata)} has no ready endpoint, ${counted(endpoints.notReady, 'endpoint')} not ready.`,
      evidence: sliceEvidence(scene),
      next: `k8s_list_pods namespace=${one.metadata.namespace}`,
    }),
  ]
}

/** No pod and no workload in the namespace has these labels. */
function matchesNothing(scene: Scene): Finding[] {
  const { service: one, selector, snapshot } = scene
  const { metadata } = one
  if (!templatesAreKnown(snapshot, metadata.namespace)) return []
  if (!hasLasted(metadata.creationTimestamp, 2 * minute, snapshot)) return []
  const misses = nearMisses(scene)
  return [
    finding(scene, {
      reason: 'SelectorMatchesNothing',
      // A controller keeps such Services for pods that it makes when it needs them.
      severity: metadata.ownerReferences?.some(({ controller }) => controller) ? 'info' : 'warning',
      confidence: 'high',
      text: `Service ${fullName(metadata)} has no endpoints: no pod in its namespace matches its selector ${pairsOf(selector)}.`,
      evidence: [selectorEvidence(scene), ...misses],
      next: `k8s_list_pods namespace=${metadata.namespace}, and compare the labels of the pods with the selector ${pairsOf(selector)}.`,
      field: 'spec.selector',
    }),
  ]
}

/** Pods that fulfil all of the selector but one pair, one for a workload. */
function nearMisses({ service: one, selector, neighbours, snapshot }: Scene): Evidence[] {
  const pairs = Object.entries(selector)
  const misses = neighbours.filter(isLive).flatMap((pod) => {
    const labels = pod.metadata.labels ?? {}
    const wrong = pairs.filter(([key, value]) => labels[key] !== value)
    const [key] = wrong[0] ?? []
    if (wrong.length !== 1 || key === undefined || (pairs.length === 1 && labels[key] === undefined)) return []
    return [{ pod, key, owner: snapshot.ownerOf('Pod', pod.metadata) }]
  })
  const closest = misses.toSorted(
    (a, b) => Number(b.owner.name === one.metadata.name) - Number(a.owner.name === one.metadata.name),
  )
  return [...Map.groupBy(closest, ({ owner }) => `${owner.kind} ${owner.name}`).values()]
    .slice(0, 3)
    .map(([first]) => ({
      object: refOf('Pod', first!.pod.metadata),
      path: `metadata.labels[${first!.key}]`,
      value: first!.pod.metadata.labels?.[first!.key] ?? 'not set',
    }))
}

/** There are pods, and none of them can take requests. */
function noneReady(scene: Scene): Finding[] {
  const { service: one, pods, workload, snapshot } = scene
  const since = latest(...pods.map(notReadySince))
  if (!hasLasted(since, 2 * minute, snapshot)) return []
  return [
    finding(scene, {
      ...(workload && { owner: workload }),
      reason: 'NoReadyEndpoints',
      severity: wasServing(workload, snapshot) ? 'critical' : 'warning',
      confidence: 'high',
      text: `Service ${fullName(one.metadata)} has no ready endpoint: ${counted(pods.length, 'pod')} match its selector, none of them is ready.`,
      ...(since !== undefined && { since }),
      evidence: [...sliceEvidence(scene), ...pods.slice(0, 3).map(readiness)],
      next: nextAbout(pods[0]!),
    }),
  ]
}

/** There should be pods and there are none: the workload knows why. */
function noPods(scene: Scene): Finding[] {
  const { service: one, templates, workload, snapshot } = scene
  const since = one.metadata.creationTimestamp
  if (!hasLasted(since, 2 * minute, snapshot) || templates.some((template) => isYoung(template, snapshot))) return []
  const names = templates.map(({ workload: { kind, name } }) => `${kind} ${name}`)
  return [
    finding(scene, {
      ...(workload && { owner: workload }),
      reason: 'NoReadyEndpoints',
      severity: wasServing(workload, snapshot) ? 'critical' : 'warning',
      confidence: 'high',
      text: `Service ${fullName(one.metadata)} has no endpoints: ${listed(names)} ${names.length > 1 ? 'have' : 'has'} no pods.`,
      evidence: [selectorEvidence(scene), ...templates.slice(0, 3).map(wantedEvidence)],
      next: `k8s_get_events namespace=${one.metadata.namespace}`,
    }),
  ]
}

/** A template whose workload was made just now has not had the time for pods. */
function isYoung({ workload: { kind, namespace, name } }: Template, snapshot: Snapshot): boolean {
  const meta = snapshot.find(kind as 'Deployment', namespace, name)?.metadata
  return meta !== undefined && !hasLasted(meta.creationTimestamp, 2 * minute, snapshot)
}

/** Scaled to zero is a wish, but not for what the whole cluster stands on. */
function asleep(scene: Scene): Finding[] {
  const { service: one, templates, workload } = scene
  const { metadata, spec } = one
  if (metadata.namespace !== 'kube-system' || metadata.labels?.['kubernetes.io/cluster-service'] !== 'true') return []
  const isDns = metadata.labels?.['k8s-app'] === 'kube-dns' || spec?.ports?.some(({ port }) => port === 53)
  const names = templates.map(({ workload: { kind, name } }) => `${kind} ${name}`)
  return [
    finding(scene, {
      ...(workload && { owner: workload }),
      reason: 'ClusterServiceScaledToZero',
      severity: isDns ? 'critical' : 'warning',
      confidence: 'high',
      text: `Service ${fullName(metadata)} of the cluster has no endpoints${isDns ? ', so no name resolves' : ''}: ${listed(names)} ${names.length > 1 ? 'want' : 'wants'} 0 pods.`,
      evidence: [...templates.slice(0, 3).map(wantedEvidence), ...sliceEvidence(scene)],
      next: `k8s_scale_deployment namespace=${metadata.namespace} name=${templates[0]?.workload.name}`,
      field: 'spec.replicas',
    }),
  ]
}

/** Some pods answer, others have not for longer than their probes give them. */
function someNotReady(scene: Scene): Finding[] {
  const { service: one, pods, workload, snapshot } = scene
  if (one.spec?.publishNotReadyAddresses) return []
  const late = pods.filter((pod) => !isReady(pod) && hasLasted(notReadySince(pod), graceOf(pod), snapshot))
  const [first] = late
  if (!first) return []
  const since = late.map(notReadySince).sort()[0]
  return [
    finding(scene, {
      ...(workload && { owner: workload }),
      reason: 'UnreadyEndpoints',
      severity: 'info',
      confidence: 'high',
      text: `Service ${fullName(one.metadata)} leaves out ${late.length} of the ${counted(pods.length, 'pod')} that match its selector, because ${late.length > 1 ? 'they are' : 'it is'} not ready.`,
      ...(since !== undefined && { since }),
      evidence: late.slice(0, 3).map(readiness),
      next: nextAbout(first),
    }),
  ]
}

/** What the probes of its slowest container allow. */
const graceOf = ({ spec }: Pod): number =>
  Math.max(...(spec?.containers ?? [{}]).map((container) => readinessGraceMs(container, { started: false })))

const notReadySince = ({ metadata, status }: Pod): string | undefined =>
  conditionOf(status?.conditions, 'Ready')?.lastTransitionTime ?? metadata.creationTimestamp

/**
 * Deployments begin without being available, so one that turned unavailable later than at its beginning has been available. Other
 * workloads do not say.
 */
function wasServing(workload: ObjectRef | undefined, snapshot: Snapshot): boolean {
  if (workload?.kind !== 'Deployment') return false
  const deployment = snapshot.find('Deployment', workload.namespace, workload.name)
  const available = conditionOf(deployment?.status?.conditions, 'Available')
  if (available?.status !== 'False' || !available.lastTransitionTime || !deployment?.metadata.creationTimestamp)
    return false
  return Date.parse(available.lastTransitionTime) - Date.parse(deployment.metadata.creationTimestamp) > 10 * minute
}

/** Somebody keeps the endpoints of such a Service by hand, or should. */
function withoutSelector(one: Service, { endpoints }: Surroundings, snapshot: Snapshot): Finding[] {
  const { metadata } = one
  if (!snapshot.isKnown('EndpointSlice', metadata.namespace)) return []
  if (!hasLasted(metadata.creationTimestamp, 2 * minute, snapshot)) return []
  const own = endpoints.get(`${metadata.namespace ?? ''}/${metadata.name}`) ?? none
  if (own.ready + own.serving > 0) return []
  const what = own.notReady > 0 ? `only ${counted(own.notReady, 'endpoint')} not ready` : 'no endpoints'
  return [
    {
      ...about('Service', metadata, snapshot),
      reason: 'NoEndpoints',
      severity: 'info',
      confidence: 'high',
      text: `Service ${fullName(metadata)} has no selector and ${what}.`,
      evidence: [
        { object: refOf('Service', metadata), path: 'spec.selector', value: 'not set' },
        slices(metadata, own),
      ],
      next: `k8s_list kind=EndpointSlice namespace=${metadata.namespace}`,
      field: 'spec.selector',
    },
  ]
}

/** Warnings about this very Service, the newest of each reason. */
function events(one: Service, snapshot: Snapshot): Finding[] {
  const { metadata } = one
  const warnings = snapshot
    .eventsOf('Service', metadata)
    .filter(({ type, reason = '' }) => type === 'Warning' && !comeAndGo.test(reason))
  return [...Map.groupBy(warnings, ({ reason }) => reason || 'Warning')].map(([reason, [newest]]) => ({
    ...about('Service', metadata, snapshot),
    reason,
    severity: 'info',
    confidence: 'medium',
    text: `Service ${fullName(metadata)} has the warning event ${reason}.`,
    ...(newest!.firstTimestamp !== undefined && { since: newest!.firstTimestamp }),
    evidence: [{ object: refOf('Service', metadata), path: `event/${reason}`, value: newest!.message ?? '' }],
    next: `k8s_get_events namespace=${metadata.namespace} kind=Service name=${metadata.name}`,
  }))
}

// Two writers met; the controller tries again.
const comeAndGo = /^FailedToUpdateEndpoint/

const selectorEvidence = ({ service: one, selector }: Scene): Evidence => ({
  object: refOf('Service', one.metadata),
  path: 'spec.selector',
  value: pairsOf(selector),
})

const sliceEvidence = ({ service: one, endpoints, snapshot }: Scene): Evidence[] =>
  snapshot.isKnown('EndpointSlice', one.metadata.namespace) ? [slices(one.metadata, endpoints)] : []

/** The newest-named slice stands for all. */
const slices = ({ namespace, name }: Service['metadata'], own: Endpoints): Evidence => ({
  object:
    own.slices[0] === undefined
      ? refOf('Service', { namespace, name })
      : refOf('EndpointSlice', { namespace, name: own.slices[0] }),
  path: 'endpoints',
  value: `${own.ready} ready, ${own.notReady} not ready, ${own.serving} going away but serving`,
})

const wantedEvidence = ({ workload, wanted }: Template): Evidence => ({
  object: workload,
  path: workload.kind === 'DaemonSet' ? 'status.desiredNumberScheduled' : 'spec.replicas',
  value: String(wanted),
})

function readiness({ metadata, status }: Pod): Evidence {
  const object = refOf('Pod', metadata)
  const waiting = status?.containerStatuses?.find(({ state }) => state?.waiting?.reason)
  if (waiting)
    return {
      object,
      path: `status.containerStatuses[${waiting.name}].state.waiting.reason`,
      value: waiting.state?.waiting?.reason ?? '',
    }
  const ready = conditionOf(status?.conditions, 'Ready')
  if (!ready) return { object, path: 'status.phase', value: status?.phase ?? 'not set' }
  return { object, path: 'status.conditions[Ready]', value: ready.message ?? ready.reason ?? ready.status }
}

const nextAbout = ({ metadata }: Pod): string => `k8s_get_pod namespace=${metadata.namespace} name=${metadata.name}`

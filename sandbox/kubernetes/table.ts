import type { Kinds, Resource } from './objects.ts'
import { badRequest } from './status.ts'
import type { Condition, ContainerStatus, KubernetesObject, Pod, PodTemplate } from './types.ts'

/** The Table form of a list: the columns that kubectl prints. `includeObject` is None, Metadata (the default) or Object. */
export function table<R extends Resource>(
  resource: R,
  objects: Kinds[R][],
  listMetadata: Record<string, unknown>,
  includeObject: string,
  now: number,
) {
  if (!['', 'None', 'Metadata', 'Object'].includes(includeObject))
    throw badRequest(
      `Unable to convert to Table as requested: includeObject: Invalid value: "${includeObject}": must be 'Metadata', 'Object', 'None', or empty`,
    )
  const { columns, cells } = printers[resource]
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: listMetadata,
    columnDefinitions: columns,
    rows: objects.map((object) => ({ cells: cells(object, now), object: shown(object, includeObject) })),
  }
}

function shown(object: KubernetesObject, includeObject: string) {
  if (includeObject === 'None') return null
  if (includeObject === 'Object') return object
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata }
}

interface Column {
  name: string
  type: 'string' | 'integer'
  format: string
  description: string
  priority: number
}

interface Printer<Kind> {
  columns: Column[]
  cells(object: Kind, now: number): (string | number)[]
}

/** `Name, Desired:integer, IP+`: a plus marks what only `-o wide` shows. */
function columnsOf(line: string): Column[] {
  return line.split(', ').map((text) => {
    const [, name = '', type, wide] = /^(.+?)(:integer)?(\+)?$/.exec(text)!
    return {
      name,
      type: type ? 'integer' : 'string',
      format: name === 'Name' ? 'name' : '',
      description: '',
      priority: wide ? 1 : 0,
    }
  })
}

const printers: { [R in Resource]: Printer<Kinds[R]> } = {
  pods: {
    columns: columnsOf('Name, Ready, Status, Restarts, Age, IP+, Node+, Nominated Node+, Readiness Gates+'),
    cells: (pod, now) => [
      pod.metadata.name,
      `${(pod.status.containerStatuses ?? []).filter(({ ready }) => ready).length}/${pod.spec.containers.length}`,
      podStatus(pod),
      restarts(pod.status.containerStatuses ?? [], now),
      age(pod, now),
      pod.status.podIP ?? '<none>',
      pod.spec.nodeName ?? '<none>',
      '<none>',
      '<none>',
    ],
  },
  deployments: {
    columns: columnsOf('Name, Ready, Up-to-date, Available, Age, Containers+, Images+, Selector+'),
    cells: (deployment, now) => [
      deployment.metadata.name,
      `${deployment.status.readyReplicas ?? 0}/${deployment.spec.replicas}`,
      deployment.status.updatedReplicas ?? 0,
      deployment.status.availableReplicas ?? 0,
      age(deployment, now),
      ...containers(deployment.spec.template),
      labels(deployment.spec.selector.matchLabels),
    ],
  },
  replicasets: {
    columns: columnsOf('Name, Desired:integer, Current:integer, Ready:integer, Age, Containers+, Images+, Selector+'),
    cells: (set, now) => [
      set.metadata.name,
      set.spec.replicas,
      set.status.replicas,
      set.status.readyReplicas ?? 0,
      age(set, now),
      ...containers(set.spec.template),
      labels(set.spec.selector.matchLabels),
    ],
  },
  statefulsets: {
    columns: columnsOf('Name, Ready, Age, Containers+, Images+'),
    cells: (set, now) => [
      set.metadata.name,
      `${set.status.readyReplicas}/${set.spec.replicas}`,
      age(set, now),
      ...containers(set.spec.template),
    ],
  },
  daemonsets: {
    columns: columnsOf(
      'Name, Desired:integer, Current:integer, Ready:integer, Up-to-date:integer, Available:integer, Node Selector, Age, Containers+, Images+, Selector+',
    ),
    cells: (set, now) => [
      set.metadata.name,
      set.status.desiredNumberScheduled,
      set.status.currentNumberScheduled,
      set.status.numberReady,
      set.status.updatedNumberScheduled,
      set.status.numberAvailable,
      '<none>',
      age(set, now),
      ...containers(set.spec.template),
      labels(set.spec.selector.matchLabels),
    ],
  },
  services: {
    columns: columnsOf('Name, Type, Cluster-IP, External-IP, Port(s), Age, Selector+'),
    cells: (service, now) => [
      service.metadata.name,
      service.spec.type,
      service.spec.clusterIP,
      '<none>',
      service.spec.ports.map(({ port, protocol }) => `${port}/${protocol}`).join(','),
      age(service, now),
      labels(service.spec.selector ?? {}),
    ],
  },
  events: {
    columns: columnsOf('Last Seen, Type, Reason, Object, Subobject+, Source+, Message, First Seen+, Count+, Name+'),
    cells: (event, now) => [
      duration(now - Date.parse(event.lastTimestamp)),
      event.type,
      event.reason,
      `${event.involvedObject.kind.toLowerCase()}/${event.involvedObject.name}`,
      event.involvedObject.fieldPath ?? '',
      [event.source.component, event.source.host].filter(Boolean).join(', '),
      event.message.trim(),
      duration(now - Date.parse(event.firstTimestamp)),
      event.count,
      event.metadata.name,
    ],
  },
  horizontalpodautoscalers: {
    columns: columnsOf('Name, Reference, Targets, MinPods, MaxPods, Replicas:integer, Age'),
    cells: (autoscaler, now) => [
      autoscaler.metadata.name,
      `${autoscaler.spec.scaleTargetRef.kind}/${autoscaler.spec.scaleTargetRef.name}`,
      '<none>',
      String(autoscaler.spec.minReplicas),
      String(autoscaler.spec.maxReplicas),
      autoscaler.status.currentReplicas,
      age(autoscaler, now),
    ],
  },
  configmaps: {
    columns: columnsOf('Name, Data, Age'),
    cells: (map, now) => [map.metadata.name, Object.keys(map.data).length, age(map, now)],
  },
  secrets: {
    columns: columnsOf('Name, Type, Data, Age'),
    cells: (secret, now) => [secret.metadata.name, secret.type, Object.keys(secret.data).length, age(secret, now)],
  },
  namespaces: {
    columns: columnsOf('Name, Status, Age'),
    cells: (namespace, now) => [namespace.metadata.name, namespace.status.phase, age(namespace, now)],
  },
  nodes: {
    columns: columnsOf(
      'Name, Status, Roles, Age, Version, Internal-IP+, External-IP+, OS-Image+, Kernel-Version+, Container-Runtime+',
    ),
    cells: (node, now) => [
      node.metadata.name,
      isTrue(node.status.conditions, 'Ready') ? 'Ready' : 'NotReady',
      '<none>',
      age(node, now),
      node.status.nodeInfo.kubeletVersion,
      node.status.addresses.find(({ type }) => type === 'InternalIP')?.address ?? '<none>',
      '<none>',
      node.status.nodeInfo.osImage,
      `${node.status.nodeInfo.kernelVersion} (${node.status.nodeInfo.architecture})`,
      node.status.nodeInfo.containerRuntimeVersion,
    ],
  },
  persistentvolumeclaims: {
    columns: columnsOf(
      'Name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age, VolumeMode+',
    ),
    cells: (claim, now) => [
      claim.metadata.name,
      claim.status.phase,
      claim.spec.volumeName ?? '',
      claim.status.capacity?.storage ?? '',
      claim.spec.volumeName ? claim.spec.accessModes.map(shortAccessMode).join(',') : '',
      claim.spec.storageClassName ?? '',
      '<unset>',
      age(claim, now),
      claim.spec.volumeMode,
    ],
  },
}

/** The Status column: the reason of the last container that is not simply running, else the phase. */
function podStatus(pod: Pod): string {
  if (pod.metadata.deletionTimestamp) return 'Terminating'
  const reasons = (pod.status.containerStatuses ?? []).map(
    ({ state }) => state.waiting?.reason ?? state.terminated?.reason,
  )
  return reasons.findLast((reason) => reason !== undefined) ?? pod.status.phase
}

function restarts(statuses: ContainerStatus[], now: number): string {
  const total = statuses.reduce((sum, { restartCount }) => sum + restartCount, 0)
  const ends = statuses.flatMap(({ lastState }) => (lastState.terminated ? [lastState.terminated.finishedAt] : []))
  const last = ends.sort().at(-1)
  return total > 0 && last ? `${total} (${duration(now - Date.parse(last))} ago)` : String(total)
}

function age(object: KubernetesObject, now: number): string {
  return duration(now - Date.parse(object.metadata.creationTimestamp))
}

function containers({ spec }: PodTemplate): [names: string, images: string] {
  return [spec.containers.map(({ name }) => name).join(','), spec.containers.map(({ image }) => image).join(',')]
}

function labels(selector: Record<string, string>): string {
  const pairs = Object.entries(selector).map(([label, value]) => `${label}=${value}`)
  return pairs.sort().join(',') || '<none>'
}

function isTrue(conditions: Condition[], type: string): boolean {
  return conditions.some((condition) => condition.type === type && condition.status === 'True')
}

function shortAccessMode(mode: string): string {
  return { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' }[mode] ?? mode
}

/** kubectl's ages: two units at most, coarser the older something is (`72s`, `2m40s`, `9d`, `3d4h`). */
export function duration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.trunc(seconds / 60)
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  const hours = Math.trunc(minutes / 60)
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  const days = Math.trunc(hours / 24)
  if (days < 8) return pair(days, 'd', hours % 24, 'h')
  if (days < 2 * 365) return `${days}d`
  const years = Math.trunc(days / 365)
  return years < 8 ? pair(years, 'y', days % 365, 'd') : `${years}y`
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`
}

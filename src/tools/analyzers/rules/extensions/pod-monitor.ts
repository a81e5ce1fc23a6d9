import type { Analyzer, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { Snapshot } from '../../snapshot.ts'
import { hasLasted } from '../age.ts'
import { distinct } from '../phrases.ts'
import { subjectOf } from '../subject.ts'
import { notTakenUp, portNotFound, selectsNothing, targetsOf } from './monitoring.ts'
import { monitorGrace } from './service-monitor.ts'

export const podMonitor: Analyzer = {
  name: 'PodMonitor',
  finds: 'monitors that select no pod, ask for a port that none has, or are taken up by no Prometheus',
  core: false,
  reads: ['PodMonitor', 'Pod', 'Prometheus', 'PrometheusAgent', 'Namespace'],
  inspect: (snapshot) =>
    snapshot
      .list('PodMonitor')
      .filter(({ metadata }) => hasLasted(metadata.creationTimestamp, monitorGrace, snapshot))
      .flatMap((monitor) => [...withoutTarget(monitor, snapshot), ...unused(monitor, snapshot)]),
}

function unused({ metadata }: ObjectOf<'PodMonitor'>, snapshot: Snapshot): Finding[] {
  const choice = {
    servers: ['Prometheus' as const, 'PrometheusAgent' as const],
    selector: 'podMonitorSelector' as const,
    namespaces: 'podMonitorNamespaceSelector' as const,
  }
  return notTakenUp(metadata, choice, subjectOf('PodMonitor', metadata, snapshot), snapshot)
}

function withoutTarget({ metadata, spec }: ObjectOf<'PodMonitor'>, snapshot: Snapshot): Finding[] {
  const subject = subjectOf('PodMonitor', metadata, snapshot)
  const search = { selector: spec?.selector, namespaceSelector: spec?.namespaceSelector }
  const pods = targetsOf('Pod', search, metadata, snapshot)
  if (!pods) return []
  if (pods.length === 0) return [selectsNothing('Pod', spec?.selector, metadata, subject)]
  const containers = pods.flatMap((pod) => [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])])
  const offered = distinct(containers.flatMap(({ ports = [] }) => ports).flatMap(({ name }) => name ?? []))
  const owners = distinct(
    pods.map((pod) => snapshot.ownerOf('Pod', pod.metadata)).map(({ kind, name }) => `${kind} ${name}`),
  )
  return distinct((spec?.podMetricsEndpoints ?? []).flatMap(({ port }) => port ?? []))
    .filter((port) => !offered.includes(port))
    .map((port) => portNotFound('spec.podMetricsEndpoints.port', port, owners, offered, subject))
}

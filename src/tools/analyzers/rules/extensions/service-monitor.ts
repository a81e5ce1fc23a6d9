import type { Analyzer, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { Snapshot } from '../../snapshot.ts'
import { hasLasted, minute } from '../age.ts'
import { distinct, fullName } from '../phrases.ts'
import { subjectOf } from '../subject.ts'
import { notTakenUp, portNotFound, selectsNothing, targetsOf } from './monitoring.ts'

export const monitorGrace = 10 * minute

export const serviceMonitor: Analyzer = {
  name: 'ServiceMonitor',
  finds: 'monitors that select no service, ask for a port that none has, or are taken up by no Prometheus',
  core: false,
  reads: ['ServiceMonitor', 'Service', 'Prometheus', 'PrometheusAgent', 'Namespace'],
  inspect: (snapshot) =>
    snapshot
      .list('ServiceMonitor')
      .filter(({ metadata }) => hasLasted(metadata.creationTimestamp, monitorGrace, snapshot))
      .flatMap((monitor) => [...withoutTarget(monitor, snapshot), ...unused(monitor, snapshot)]),
}

function unused({ metadata }: ObjectOf<'ServiceMonitor'>, snapshot: Snapshot): Finding[] {
  const choice = {
    servers: ['Prometheus' as const, 'PrometheusAgent' as const],
    selector: 'serviceMonitorSelector' as const,
    namespaces: 'serviceMonitorNamespaceSelector' as const,
  }
  return notTakenUp(metadata, choice, subjectOf('ServiceMonitor', metadata, snapshot), snapshot)
}

function withoutTarget({ metadata, spec }: ObjectOf<'ServiceMonitor'>, snapshot: Snapshot): Finding[] {
  const subject = subjectOf('ServiceMonitor', metadata, snapshot)
  const search = { selector: spec?.selector, namespaceSelector: spec?.namespaceSelector }
  const services = targetsOf('Service', search, metadata, snapshot)
  if (!services) return []
  if (services.length === 0) return [selectsNothing('Service', spec?.selector, metadata, subject)]
  const offered = distinct(services.flatMap((service) => service.spec?.ports ?? []).flatMap(({ name }) => name ?? []))
  const targets = services.map((service) => `Service ${fullName(service.metadata)}`)
  return distinct((spec?.endpoints ?? []).flatMap(({ port }) => port ?? []))
    .filter((port) => !offered.includes(port))
    .map((port) => portNotFound('spec.endpoints.port', port, targets, offered, subject))
}

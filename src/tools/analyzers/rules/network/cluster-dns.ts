import type { Analyzer, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { fullName } from '../phrases.ts'
import { subjectOf } from '../subject.ts'
import { endpointsByService, none } from './endpoints.ts'

const home = 'kube-system'

/** The one workload that nobody scales to 0 on purpose: without it no name in the cluster can be resolved. */
export const clusterDns: Analyzer = {
  name: 'ClusterDNS',
  finds: 'a cluster DNS that is scaled to 0 or has no ready pod',
  core: true,
  reads: ['Deployment', 'Service', 'EndpointSlice'],
  inspect(snapshot) {
    const answering = endpointsByService(snapshot)
    const services = snapshot.list('Service').filter(({ metadata }) => metadata.namespace === home && isDns(metadata))
    const isAnswered = services.some((service) => {
      const { ready, serving } = answering.get(fullName(service.metadata)) ?? none
      return ready + serving > 0
    })
    const servers = snapshot.list('Deployment').filter(({ metadata }) => metadata.namespace === home && isDns(metadata))
    const [first] = servers
    if (!first || isAnswered || servers.some(({ spec }) => spec?.replicas !== 0)) return []
    return [down(first, services, snapshot)]
  },
}

const isDns = ({ name, labels = {} }: { name: string; labels?: Record<string, string> | undefined }): boolean =>
  labels['k8s-app'] === 'kube-dns' || name === 'coredns' || name === 'kube-dns'

function down(
  { metadata, status }: ObjectOf<'Deployment'>,
  services: ObjectOf<'Service'>[],
  snapshot: Snapshot,
): Finding {
  const { who, title, shows } = subjectOf('Deployment', metadata, snapshot)
  const refs = services.map((service) => refOf('Service', service.metadata))
  const isSeen = services.length > 0 && snapshot.isKnown('EndpointSlice', home)
  return {
    ...who,
    reason: 'ClusterDNSDown',
    // Where the endpoints could not be read, somebody else may answer.
    severity: isSeen ? 'critical' : 'warning',
    confidence: isSeen ? 'high' : 'medium',
    text: `${title} is scaled to 0${isSeen ? `, and Service ${refs[0]?.name} has no ready endpoint` : ''}: names in the cluster are not resolved.`,
    evidence: [
      shows('spec.replicas', '0'),
      shows('status.readyReplicas', String(status?.readyReplicas ?? 0)),
      ...(isSeen ? refs.map((object) => ({ object, path: 'EndpointSlice.endpoints[ready]', value: '0' })) : []),
    ],
    next: `k8s_scale_deployment name=${metadata.name} namespace=${home} replicas=2`,
    affects: refs,
    field: 'spec.replicas',
  }
}

import type { Analyzer, Evidence, Finding } from '../../analyzer.ts'
import type { Listener, Reference } from '../../kinds/gateway.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { matchesSelector } from '../../kinds/meta.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { conditionOf, isNew } from '../age.ts'
import { merged } from '../merge.ts'
import { about, distinct, fullName, listed } from '../phrases.ts'
import { backendOf } from './endpoints.ts'
import { faultOf } from './gateway-class.ts'

/** Routes that hang on no Gateway, may not hang there, or lead nowhere. */
export const httpRoute: Analyzer = {
  name: 'HTTPRoute',
  finds: 'routes whose gateway, service, port or grant is missing, or that are not accepted',
  core: false,
  reads: ['HTTPRoute', 'Gateway', 'Namespace', 'Service', 'ReferenceGrant'],
  inspect: (snapshot) =>
    merged(
      snapshot
        .list('HTTPRoute')
        .filter(({ metadata }) => !isNew(metadata, snapshot) && !metadata.deletionTimestamp)
        .flatMap((route) => {
          const causes = [
            ...missingParents(route, snapshot),
            ...notAllowed(route, snapshot),
            ...missingBackends(route, snapshot),
            ...missingPorts(route, snapshot),
            ...notGranted(route, snapshot),
          ]
          // What the controller says is mostly one of these.
          return causes.length > 0 ? causes : refused(route, snapshot)
        }),
    ),
}

type HTTPRoute = ObjectOf<'HTTPRoute'>

const gatewayGroup = 'gateway.networking.k8s.io'

/** Parents that are Gateways; a mesh has Services as parents. */
function parentsOf({ metadata, spec }: HTTPRoute, snapshot: Snapshot) {
  return (spec?.parentRefs ?? [])
    .filter(({ group = gatewayGroup, kind = 'Gateway' }) => group === gatewayGroup && kind === 'Gateway')
    .map((reference) => {
      const namespace = reference.namespace ?? metadata.namespace
      return { reference, namespace, gateway: snapshot.find('Gateway', namespace, reference.name) }
    })
}

function missingParents(route: HTTPRoute, snapshot: Snapshot): Finding[] {
  const missing = parentsOf(route, snapshot).filter(
    ({ gateway, namespace }) => !gateway && snapshot.isKnown('Gateway', namespace),
  )
  if (missing.length === 0) return []
  const names = distinct(missing.map(({ namespace, reference: { name } }) => fullName({ namespace, name })))
  return [
    finding(route, snapshot, {
      reason: 'MissingGateway',
      text: `HTTPRoute ${fullName(route.metadata)} hangs on the Gateway ${listed(names)}, which does not exist.`,
      evidence: names.slice(0, 3).map((name) => evidence(route, 'spec.parentRefs', name)),
      next: 'k8s_list kind=Gateway',
      field: 'spec.parentRefs',
    }),
  ]
}

/** No listener of a parent takes routes from this namespace. */
function notAllowed(route: HTTPRoute, snapshot: Snapshot): Finding[] {
  const { metadata } = route
  if (metadata.namespace === undefined) return []
  const closed = parentsOf(route, snapshot).flatMap(({ reference, gateway }) => {
    const listeners = (gateway?.spec?.listeners ?? []).filter((listener) => isMeant(listener, reference))
    const open = listeners.some((listener) =>
      allows(listener, gateway?.metadata.namespace, metadata.namespace, snapshot),
    )
    return gateway && listeners.length > 0 && !open ? [{ gateway, listeners }] : []
  })
  const [first] = closed
  if (!first) return []
  return [
    finding(route, snapshot, {
      reason: 'RouteNotAllowed',
      text: `HTTPRoute ${fullName(metadata)} may not hang on Gateway ${fullName(first.gateway.metadata)}: ${listed(first.listeners.map(({ name }) => `listener ${name}`))} ${first.listeners.length > 1 ? 'take' : 'takes'} no routes from the namespace ${metadata.namespace}.`,
      evidence: first.listeners.slice(0, 3).map(({ name, allowedRoutes }) => ({
        object: refOf('Gateway', first.gateway.metadata),
        path: `spec.listeners[${name}].allowedRoutes.namespaces`,
        value: JSON.stringify(allowedRoutes?.namespaces ?? { from: 'Same' }),
      })),
      next: `k8s_get kind=Gateway namespace=${first.gateway.metadata.namespace} name=${first.gateway.metadata.name}`,
      field: 'spec.parentRefs',
    }),
  ]
}

const isMeant = ({ name, port }: Listener, { sectionName, port: wanted }: Reference): boolean =>
  (sectionName === undefined || sectionName === name) && (wanted === undefined || wanted === port)

/** `Same` is the default. What cannot be judged counts as allowed. */
function allows(
  { allowedRoutes }: Listener,
  own: string | undefined,
  other: string | undefined,
  snapshot: Snapshot,
): boolean {
  const { from = 'Same', selector } = allowedRoutes?.namespaces ?? {}
  if (from === 'Same') return own === other
  if (from !== 'Selector' || !selector || other === undefined) return from !== 'None'
  const namespace = snapshot.find('Namespace', undefined, other)
  return !namespace || matchesSelector(selector, { 'kubernetes.io/metadata.name': other, ...namespace.metadata.labels })
}

/** Backends that are Services. */
function backendsOf({ metadata, spec }: HTTPRoute, snapshot: Snapshot) {
  return (spec?.rules ?? [])
    .flatMap(({ backendRefs = [] }) => backendRefs)
    .filter(({ group = '', kind = 'Service' }) => group === '' && kind === 'Service')
    .map(({ namespace = metadata.namespace, name, port }) => ({
      namespace,
      name,
      backend: backendOf({ namespace, name, port }, snapshot),
    }))
}

function missingBackends(route: HTTPRoute, snapshot: Snapshot): Finding[] {
  const missing = backendsOf(route, snapshot).filter(({ backend }) => backend.kind === 'missing')
  if (missing.length === 0) return []
  const names = distinct(missing.map(fullName))
  return [
    finding(route, snapshot, {
      reason: 'MissingService',
      text: `HTTPRoute ${fullName(route.metadata)} sends to the Service ${listed(names)}, which does not exist.`,
      evidence: names.slice(0, 3).map((name) => evidence(route, 'spec.rules.backendRefs', name)),
      next: `k8s_list kind=Service namespace=${missing[0]?.namespace}`,
      field: 'spec.rules.backendRefs',
    }),
  ]
}

function missingPorts(route: HTTPRoute, snapshot: Snapshot): Finding[] {
  const wrong = backendsOf(route, snapshot).flatMap(({ namespace, name, backend }) =>
    backend.kind === 'without-port' ? [{ namespace, name, ...backend }] : [],
  )
  const [first] = wrong
  if (!first) return []
  const names = distinct(
    wrong.map(({ namespace, name, port }) => `${port} of the Service ${fullName({ namespace, name })}`),
  )
  return [
    finding(route, snapshot, {
      reason: 'MissingServicePort',
      text: `HTTPRoute ${fullName(route.metadata)} sends to port ${listed(names)}, which has no such port.`,
      evidence: [
        evidence(route, 'spec.rules.backendRefs.port', String(first.port)),
        { object: refOf('Service', first), path: 'spec.ports', value: listed(first.offered, 10) },
      ],
      next: `k8s_get kind=Service namespace=${first.namespace} name=${first.name}`,
      field: 'spec.rules.backendRefs.port',
    }),
  ]
}

/** A Service of another namespace needs a ReferenceGrant there. */
function notGranted(route: HTTPRoute, snapshot: Snapshot): Finding[] {
  const foreign = backendsOf(route, snapshot).filter(
    ({ namespace, name, backend }) =>
      namespace !== route.metadata.namespace &&
      backend.kind !== 'missing' &&
      snapshot.isKnown('ReferenceGrant', namespace) &&
      !isGranted(route, namespace, name, snapshot),
  )
  const [first] = foreign
  if (!first) return []
  return [
    finding(route, snapshot, {
      reason: 'MissingReferenceGrant',
      text: `HTTPRoute ${fullName(route.metadata)} sends to the Service ${listed(distinct(foreign.map(fullName)))} without a ReferenceGrant there.`,
      evidence: foreign.slice(0, 3).map((backend) => evidence(route, 'spec.rules.backendRefs', fullName(backend))),
      next: `k8s_list kind=ReferenceGrant namespace=${first.namespace}`,
      field: 'spec.rules.backendRefs.namespace',
    }),
  ]
}

const isGranted = (route: HTTPRoute, namespace: string | undefined, name: string, snapshot: Snapshot): boolean =>
  snapshot
    .list('ReferenceGrant')
    .filter(({ metadata }) => metadata.namespace === namespace)
    .some(
      ({ spec }) =>
        spec?.from?.some((from) => from.kind === 'HTTPRoute' && from.namespace === route.metadata.namespace) &&
        spec.to?.some((to) => to.kind === 'Service' && (to.name === undefined || to.name === name)),
    )

/** What the Gateway's controller says, where the reason is not one of ours. */
function refused(route: HTTPRoute, snapshot: Snapshot): Finding[] {
  const { metadata, status } = route
  for (const { parentRef, conditions } of status?.parents ?? [])
    for (const type of ['Accepted', 'ResolvedRefs']) {
      // Not every controller writes each of them.
      const fault = conditionOf(conditions, type) && faultOf(metadata, conditions, type, snapshot)
      if (!fault) continue
      return [
        finding(route, snapshot, {
          reason: type === 'Accepted' ? 'RouteNotAccepted' : 'RouteReferencesNotResolved',
          text: `HTTPRoute ${fullName(metadata)} has ${type} not True at ${parentRef?.name ?? 'its parent'} (${fault.reason}).`,
          ...(fault.since !== undefined && { since: fault.since }),
          evidence: [evidence(route, `status.parents[${parentRef?.name}].conditions[${type}]`, fault.value)],
          next: `k8s_get kind=HTTPRoute namespace=${metadata.namespace} name=${metadata.name}`,
        }),
      ]
    }
  return []
}

const finding = (
  { metadata }: HTTPRoute,
  snapshot: Snapshot,
  rest: Pick<Finding, 'reason' | 'text' | 'evidence' | 'next' | 'since' | 'field'>,
): Finding => ({ ...about('HTTPRoute', metadata, snapshot), severity: 'warning', confidence: 'high', ...rest })

const evidence = ({ metadata }: HTTPRoute, path: string, value: string): Evidence => ({
  object: refOf('HTTPRoute', metadata),
  path,
  value,
})

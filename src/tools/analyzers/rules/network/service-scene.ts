import type { Finding, ObjectRef } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { Snapshot } from '../../snapshot.ts'
import { about, byNamespace } from '../phrases.ts'
import { type Template, templatesOf, withoutAddedLabels } from '../templates.ts'
import { type Endpoints, endpointsByService, none } from './endpoints.ts'

type Service = ObjectOf<'Service'>
type Pod = ObjectOf<'Pod'>

/** Everything that Services are compared with, by namespace; of endpoints by `namespace/name`. */
export interface Surroundings {
  endpoints: Map<string, Endpoints>
  pods: Map<string, Pod[]>
  templates: Map<string, Template[]>
}

export const surroundingsOf = (snapshot: Snapshot): Surroundings => ({
  endpoints: endpointsByService(snapshot),
  pods: byNamespace(snapshot.list('Pod')),
  templates: Map.groupBy(templatesOf(snapshot), ({ namespace }) => namespace),
})

/** A Service with a selector, and what the selector finds. */
export interface Scene {
  service: Service
  selector: Record<string, string>
  /** Those that could take requests: not finished, not going away. */
  pods: Pod[]
  neighbours: Pod[]
  templates: Template[]
  /** The one workload behind it; `undefined` for none and for several. */
  workload: ObjectRef | undefined
  endpoints: Endpoints
  snapshot: Snapshot
}

/** `undefined` for a Service without selector. */
export function sceneOf(
  one: Service,
  { endpoints, pods, templates }: Surroundings,
  snapshot: Snapshot,
): Scene | undefined {
  const selector = one.spec?.selector ?? {}
  if (Object.keys(selector).length === 0) return undefined
  const namespace = one.metadata.namespace ?? ''
  const neighbours = pods.get(namespace) ?? []
  const own = neighbours.filter((pod) => hasLabels(pod.metadata.labels, selector) && isLive(pod))
  const makers = (templates.get(namespace) ?? []).filter(({ labels }) =>
    hasLabels(labels, withoutAddedLabels(selector)),
  )
  return {
    service: one,
    selector,
    pods: own,
    neighbours,
    templates: makers,
    workload: soleWorkload(own, makers, snapshot),
    endpoints: endpoints.get(`${namespace}/${one.metadata.name}`) ?? none,
    snapshot,
  }
}

const hasLabels = (labels: Record<string, string> = {}, wanted: Record<string, string>): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value)

export const isLive = ({ metadata, status }: Pod): boolean =>
  !metadata.deletionTimestamp && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'

function soleWorkload(pods: Pod[], templates: Template[], snapshot: Snapshot): ObjectRef | undefined {
  const owners = [
    ...pods.map((pod) => snapshot.ownerOf('Pod', pod.metadata)),
    ...(pods.length === 0 ? templates.map(({ workload }) => workload) : []),
  ]
  const [first] = owners
  return first && owners.every(({ kind, name }) => kind === first.kind && name === first.name) ? first : undefined
}

/** About the Service itself, unless the fault has another owner. */
export const finding = (
  { service: one, snapshot }: Scene,
  rest: Omit<Finding, 'object' | 'owner'> & { owner?: ObjectRef },
): Finding => ({ ...about('Service', one.metadata, snapshot), ...rest })

import type { ObjectOf } from '../../kinds/index.ts'
import type { Snapshot } from '../../snapshot.ts'

/** What EndpointSlices say about one Service. */
export interface Endpoints {
  ready: number
  notReady: number
  /** Going away, but still answering. */
  serving: number
  slices: string[]
}

/** By `namespace/name` of the Service. A pod with addresses of two families counts once. */
export function endpointsByService(snapshot: Snapshot): Map<string, Endpoints> {
  const bySlices = Map.groupBy(
    snapshot.list('EndpointSlice'),
    ({ metadata }) => `${metadata.namespace ?? ''}/${metadata.labels?.['kubernetes.io/service-name'] ?? ''}`,
  )
  return new Map([...bySlices].map(([service, slices]) => [service, count(slices)]))
}

function count(slices: ObjectOf<'EndpointSlice'>[]): Endpoints {
  const states = new Map<string, State>()
  for (const { metadata, endpoints = [] } of slices)
    for (const [index, { conditions, targetRef }] of endpoints.entries()) {
      const key = targetRef?.name === undefined ? `${metadata.name} ${index}` : `${targetRef.kind}/${targetRef.name}`
      const state = stateOf(conditions)
      if (state !== 'not-ready' || !states.has(key)) states.set(key, state)
    }
  const number = (state: State) => [...states.values()].filter((one) => one === state).length
  return {
    ready: number('ready'),
    notReady: number('not-ready'),
    serving: number('serving'),
    slices: slices.map(({ metadata }) => metadata.name),
  }
}

type State = 'ready' | 'serving' | 'not-ready'
type Endpoint = NonNullable<ObjectOf<'EndpointSlice'>['endpoints']>[number]

/** Missing conditions mean ready: so the API has it. */
function stateOf(conditions: Endpoint['conditions']): State {
  if (conditions?.terminating) return conditions.serving ? 'serving' : 'not-ready'
  return (conditions?.ready ?? true) ? 'ready' : 'not-ready'
}

/** What can be said about a Service that something else sends requests to. */
export type Backend =
  | { kind: 'unknown' }
  | { kind: 'missing' }
  | { kind: 'without-port'; port: string | number; offered: string[] }
  | { kind: 'not-ready'; endpoints: Endpoints }
  | { kind: 'usable' }

export interface BackendRef {
  namespace: string | undefined
  name: string
  port?: string | number | undefined
}

/** Looks a backend up; without `endpoints` one that has none is usable. `port` is the Service's own port, by number or name. */
export function backendOf(
  { namespace, name, port }: BackendRef,
  snapshot: Snapshot,
  endpoints?: Map<string, Endpoints>,
): Backend {
  const service = snapshot.find('Service', namespace, name)
  if (!service) return { kind: snapshot.isKnown('Service', namespace) ? 'missing' : 'unknown' }
  if (service.spec?.type === 'ExternalName') return { kind: 'usable' }
  const ports = service.spec?.ports ?? []
  if (port !== undefined && ports.length > 0 && !ports.some((one) => one.port === port || one.name === port))
    return {
      kind: 'without-port',
      port,
      offered: ports.map(({ name: title, port: number }) => title ?? String(number)),
    }
  if (!endpoints) return { kind: 'usable' }
  if (!snapshot.isKnown('EndpointSlice', namespace)) return { kind: 'unknown' }
  const own = endpoints.get(`${namespace ?? ''}/${name}`) ?? none
  return own.ready + own.serving > 0 ? { kind: 'usable' } : { kind: 'not-ready', endpoints: own }
}

export const none: Endpoints = { ready: 0, notReady: 0, serving: 0, slices: [] }

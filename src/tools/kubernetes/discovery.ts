import { nearest } from '../../text/nearest.ts'
import { Refusal } from '../tool.ts'
import type { Cluster } from './cluster.ts'
import { ClusterError } from './errors.ts'

/** A kind that the server has, and where. */
export interface ApiResource {
  group: string
  version: string
  /** Plural, as in paths. */
  resource: string
  kind: string
  singular: string
  shortNames: string[]
  namespaced: boolean
  verbs: string[]
}

export interface Discovery {
  /** The resource that somebody calls `Deployment`, `deployments`, `deploy` or `deployments.apps`, in any case. Throws with the nearest names. */
  find(name: string, signal: AbortSignal): Promise<ApiResource>
  /** The resource of an object as it names itself. */
  ofObject(apiVersion: string, kind: string, signal: AbortSignal): Promise<ApiResource>
}

interface Known {
  resources: ApiResource[]
  /** Groups whose server did not answer. */
  unread: string[]
  until: number
}

const keptMs = 5 * 60_000

/** What kinds there are, asked for when needed and kept for five minutes; a name that is not among them asks again. */
export function createDiscovery(cluster: Cluster): Discovery {
  let known: Known | undefined

  async function look<Found>(signal: AbortSignal, find: (resources: ApiResource[]) => Found | undefined) {
    const isKept = known !== undefined && cluster.now() < known.until
    known = isKept ? (known as Known) : await readAll(cluster, signal)
    const found = find(known.resources)
    if (found || !isKept) return { found, known }
    // It may have been installed since.
    known = await readAll(cluster, signal)
    return { found: find(known.resources), known }
  }

  return {
    async find(name, signal) {
      const { found, known } = await look(signal, (resources) => resources.find((one) => isCalled(one, name)))
      if (found) return found
      throw unknownKind(name, known)
    },
    async ofObject(apiVersion, kind, signal) {
      const { found, known } = await look(signal, (resources) =>
        resources.find((one) => one.kind === kind && apiVersionOf(one) === apiVersion),
      )
      if (found) return found
      const same = known.resources.filter((one) => one.kind.toLowerCase() === kind.toLowerCase())
      if (same.length === 0) throw unknownKind(kind, known)
      throw new Refusal(
        `The server has no ${kind} of ${apiVersion}. It has: ${same.map((one) => `apiVersion: ${apiVersionOf(one)}, kind: ${one.kind}`).join('; ')}.`,
      )
    },
  }
}

export const apiVersionOf = ({ group, version }: ApiResource): string =>
  group === '' ? version : `${group}/${version}`

/** Where a cluster-scoped kind may be looked at although the bot is confined to namespaces: what every workload stands on. */
const openToAll = ['Node', 'Namespace', 'StorageClass', 'PersistentVolume', 'IngressClass']

/**
 * The path of a kind's list. The one place that says where a kind may be read: a namespaced one in the bot's namespaces (`*` for all
 * of them), a cluster-scoped one when all namespaces are open to the bot, or when it is one that every workload stands on.
 */
export function placeOf(
  cluster: Cluster,
  resource: ApiResource,
  namespace: string | undefined,
): { path: string; where: string; namespace?: string } {
  if (resource.namespaced) {
    const given = cluster.namespaceFor(namespace)
    if (given === '*') return { path: listPath(resource), where: 'all namespaces' }
    return { path: listPath(resource, given), where: `namespace ${given}`, namespace: given }
  }
  if (cluster.namespaces.includes('*') || openToAll.includes(resource.kind))
    return { path: listPath(resource), where: 'the cluster' }
  throw new Refusal(
    `${resource.kind} belongs to the whole cluster, and this bot is open to ${cluster.namespaces.join(', ')} only. Kinds of the cluster it may look at: ${openToAll.join(', ')}.`,
  )
}

/** The path of a kind's list, in one namespace or as a whole. */
export function listPath(resource: ApiResource, namespace?: string): string {
  const base = `${resource.group === '' ? '/api' : '/apis'}/${apiVersionOf(resource)}`
  return `${base}/${namespace === undefined ? '' : `namespaces/${namespace}/`}${resource.resource}`
}

function isCalled({ group, version, resource, kind, singular, shortNames }: ApiResource, name: string): boolean {
  const [called = '', ...rest] = name.trim().toLowerCase().split('.')
  const [api, inApi] = splitLast(name.trim().toLowerCase())
  if (inApi !== undefined)
    return api === (group === '' ? version : `${group}/${version}`) && [resource, kind.toLowerCase()].includes(inApi)
  const asked = rest.join('.')
  return (
    [resource, kind.toLowerCase(), singular, ...shortNames].includes(called) &&
    (asked === '' || asked === group || asked === `${version}.${group}`)
  )
}

/** `apps/v1/Deployment` and `v1/Pod`: a kind with its API in front. */
function splitLast(name: string): [api: string, kind: string | undefined] {
  const at = name.lastIndexOf('/')
  return at < 0 ? [name, undefined] : [name.slice(0, at), name.slice(at + 1)]
}

function unknownKind(name: string, { resources, unread }: Known): Refusal {
  const names = new Map(
    resources.flatMap(({ resource, kind, singular }) => [resource, kind, singular].map((one) => [one, kind])),
  )
  const near = [...new Set(nearest(name, [...names.keys()], 9).map((one) => names.get(one) ?? one))].slice(0, 3)
  const gaps = unread.length > 0 ? ` Not answering: ${unread.join(', ')}.` : ''
  const meant = near.length > 0 ? `Did you mean ${near.join(', ')}?` : `It has ${resources.length} kinds, such as Pod.`
  return new Refusal(`The server has no kind ${JSON.stringify(name.slice(0, 64))}. ${meant}${gaps}`)
}

interface GroupDiscovery {
  items?: {
    metadata?: { name?: string }
    versions?: {
      version: string
      freshness?: string
      resources?: {
        resource: string
        responseKind?: { kind?: string }
        scope: string
        singularResource?: string
        shortNames?: string[]
        verbs?: string[]
      }[]
    }[]
  }[]
}

interface GroupList {
  groups?: {
    name: string
    versions: { groupVersion: string; version: string }[]
    preferredVersion?: { version: string }
  }[]
}

interface ResourceList {
  resources?: {
    name: string
    kind: string
    singularName?: string
    namespaced: boolean
    shortNames?: string[]
    verbs?: string[]
  }[]
}

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'

/** Two requests where the server knows the aggregated form (1.30 and later), else one for each group and version. */
async function readAll(cluster: Cluster, signal: AbortSignal): Promise<Known> {
  const [core, groups] = await Promise.all(
    ['/api', '/apis'].map((path) => cluster.get<GroupDiscovery & GroupList>(path, { signal, accept: aggregated })),
  )
  const until = cluster.now() + keptMs
  if (core?.items && groups?.items) {
    const items = [...core.items, ...groups.items]
    return { resources: unique(items.flatMap(resourcesOf)), unread: items.flatMap(staleOf), until }
  }
  return { ...(await readEach(cluster, groups ?? {}, signal)), until }
}

function resourcesOf({ metadata, versions = [] }: NonNullable<GroupDiscovery['items']>[number]): ApiResource[] {
  return versions.flatMap(({ version, resources = [] }) =>
    resources.map(({ resource, responseKind, scope, singularResource, shortNames = [], verbs = [] }) => ({
      group: metadata?.name ?? '',
      version,
      resource,
      kind: responseKind?.kind ?? resource,
      singular: singularResource ?? '',
      shortNames,
      namespaced: scope === 'Namespaced',
      verbs,
    })),
  )
}

const staleOf = ({ metadata, versions = [] }: NonNullable<GroupDiscovery['items']>[number]): string[] =>
  versions.filter(({ freshness }) => freshness === 'Stale').map(({ version }) => `${metadata?.name}/${version}`)

async function readEach(cluster: Cluster, { groups = [] }: GroupList, signal: AbortSignal) {
  const apis = groups.flatMap(({ name, versions, preferredVersion }) =>
    versions
      .toSorted(
        (a, b) => Number(b.version === preferredVersion?.version) - Number(a.version === preferredVersion?.version),
      )
      .map(({ groupVersion, version }) => ({ group: name, version, path: `/apis/${groupVersion}` })),
  )
  const read = await Promise.all(
    [{ group: '', version: 'v1', path: '/api/v1' }, ...apis].map(async ({ group, version, path }) => {
      try {
        const { resources = [] } = await cluster.get<ResourceList>(path, { signal })
        return {
          resources: resources.filter(({ name }) => !name.includes('/')).map(ofList(group, version)),
          unread: [],
        }
      } catch (error) {
        // A group whose own server is down must not hide the others.
        if (error instanceof ClusterError) return { resources: [], unread: [`${group}/${version}`] }
        throw error
      }
    }),
  )
  return { resources: unique(read.flatMap(({ resources }) => resources)), unread: read.flatMap(({ unread }) => unread) }
}

const ofList =
  (group: string, version: string) =>
  ({
    name,
    kind,
    singularName,
    namespaced,
    shortNames = [],
    verbs = [],
  }: NonNullable<ResourceList['resources']>[number]): ApiResource => ({
    group,
    version,
    resource: name,
    kind,
    singular: singularName ?? '',
    shortNames,
    namespaced,
    verbs,
  })

/** The preferred version of a group, which comes first. */
function unique(resources: ApiResource[]): ApiResource[] {
  const seen = new Set<string>()
  return resources.filter(({ group, resource }) => {
    const key = `${resource}.${group}`
    return !seen.has(key) && seen.add(key)
  })
}

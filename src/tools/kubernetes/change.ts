import { isDeepStrictEqual } from 'node:util'
import { structuredPatch } from 'diff'
import { stringify } from 'yaml'
import { fateOfRequest, sendApproved } from '../approved.ts'
import { type Preview, Refusal, type Right } from '../tool.ts'
import type { Change, Cluster } from './cluster.ts'
import { ClusterError } from './errors.ts'
import { podCounts } from './health.ts'
import { comparable } from './hidden.ts'
import { type Deployment, type Meta, paths } from './objects.ts'
import { allItems } from './pages.ts'
import type { Rolled } from './workload.ts'

/** Bounds that hold before anybody is asked. */
export interface ChangeRules {
  maxReplicas: number
}

interface ServiceObject {
  metadata: { name: string }
  spec?: { selector?: Record<string, string> }
}

interface Autoscaler {
  metadata: { name: string }
  spec?: { minReplicas?: number; maxReplicas?: number; scaleTargetRef?: { kind?: string; name?: string } }
}

/** Throws when what is named belongs to the whole cluster and the bot is open to some namespaces only. `what`: `Node worker-1`. */
export function refuseClusterWide({ namespaces }: Cluster, what: string): void {
  if (namespaces.includes('*')) return
  throw new Refusal(`${what} belongs to the whole cluster, and this bot is open to ${namespaces.join(', ')} only.`)
}

/** Asks the server whether the bot itself may do it, so that people are not asked for what would fail. */
export async function refuseForbidden(
  cluster: Cluster,
  access: { verb: string; group: string; resource: string; subresource?: string; namespace?: string; name: string },
  signal: AbortSignal,
): Promise<void> {
  const review = await cluster.send<{ status?: { allowed?: boolean } }>(
    {
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      contentType: 'application/json',
      body: JSON.stringify({
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: access },
      }),
    },
    { signal },
  )
  if (review.status?.allowed) return
  const resource = access.subresource ? `${access.resource}/${access.subresource}` : access.resource
  throw new Refusal(
    access.namespace
      ? `The bot has no permission to ${access.verb} ${resource} in namespace ${access.namespace}. Its Role has to allow it.`
      : `The bot has no permission to ${access.verb} ${resource}. Its ClusterRole has to allow it.`,
  )
}

/** Lets the server try the change without keeping it; shows what would differ. `shown` completes what the server leaves out. */
export async function tryOut<Body extends object>(
  cluster: Cluster,
  change: Change,
  before: Body,
  signal: AbortSignal,
  shown: (object: Body) => Body = (object) => object,
): Promise<string> {
  try {
    const after = await cluster.send<Body>(change, { signal, dryRun: true })
    const diff = diffOf(shown(before), shown(after))
    if (diff === '') throw new Refusal('This would change nothing.')
    return diff
  } catch (error) {
    if (error instanceof ClusterError && isOvertaken(error))
      throw new Refusal(
        'The object is being changed at this moment. Look at it again, then propose what is still needed.',
      )
    if (error instanceof ClusterError) throw new Refusal(`The server would not accept this: ${error.message}`)
    throw error
  }
}

/** A failing `test` operation of a patch is a 422 without a cause; what is invalid has one. */
const isOvertaken = ({ status, message }: ClusterError): boolean =>
  status === 409 || (status === 422 && !message.includes(' is invalid: '))

/** Unified; empty when nothing differs. Values with secret names are hidden. */
export function diffOf(before: object, after: object): string {
  const [old, fresh] = [before, after].map((object) => yamlOf(object)) as [string, string]
  const { hunks } = structuredPatch('now', 'then', old, fresh, '', '', { context: 2 })
  if (hunks.length === 0 && !isDeepStrictEqual(contentOf(before), contentOf(after)))
    return '(What differs are values with secret names; they are hidden.)'
  return hunks
    .flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
      `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
      ...lines,
    ])
    .join('\n')
}

const yamlOf = (object: object): string =>
  stringify(comparable(object as Record<string, unknown>), { sortMapEntries: true, lineWidth: 0 })

const contentOf = (object: object): unknown => (object as { spec?: unknown }).spec

/** `sendApproved` to the cluster; resolves to the object as it is afterwards. */
export const sendToCluster = <Body>(
  cluster: Cluster,
  path: string,
  approved: Preview,
  signal: AbortSignal,
): Promise<Body> =>
  sendApproved(
    approved,
    path,
    (request) => cluster.send<Body>(request, { signal }),
    (error) =>
      error instanceof ClusterError && isOvertaken(error)
        ? { overtaken: 'the object was changed' }
        : fateOfRequest(error),
  )

/** The state that a preview was worked out for. */
export const versionOf = ({ metadata }: { metadata: Meta }): string => `${metadata.uid}/${metadata.generation}`

/** A JSON patch that the server refuses when the object is not the one that was looked at. */
export function guardedPatch(path: string, tests: object[], operations: object[]): Preview['request'] {
  return {
    method: 'PATCH',
    path,
    contentType: 'application/json-patch+json',
    body: JSON.stringify([...tests, ...operations], null, 1),
  }
}

/** Throws when a rollout could not begin, so that nothing would come of the change. */
export function refuseUnrollable(namespace: string, { metadata, spec }: Deployment): void {
  const name = `${namespace}/${metadata.name}`
  if (spec?.paused)
    throw new Refusal(
      `The rollout of deployment ${name} is paused, so a restart would do nothing until somebody resumes it: kubectl rollout resume deployment/${metadata.name} -n ${namespace}.`,
    )
  if (spec?.replicas === 0)
    throw new Refusal(
      `Deployment ${name} is scaled to 0: there is no pod to restart. k8s_scale_deployment would start some.`,
    )
}

/** What `affected` reads. */
export const affectedRights: Right[] = [
  { group: '', resource: 'services', verbs: ['list'] },
  { group: 'autoscaling', resource: 'horizontalpodautoscalers', verbs: ['list'] },
]

/** Who is behind a workload: pods, services, an autoscaler. What cannot be read is said. */
export async function affected(
  cluster: Cluster,
  namespace: string,
  { kind, object }: Rolled,
  signal: AbortSignal,
): Promise<string[]> {
  const { wanted, updated, ready } = podCounts(kind, object)
  const isRolling = updated < wanted || (object.status?.observedGeneration ?? 0) < (object.metadata.generation ?? 0)
  const [services, autoscaler] = await Promise.all([
    servicesOf(cluster, namespace, object, signal),
    kind === 'DaemonSet' ? '' : autoscalerOf(cluster, namespace, kind, object, signal),
  ])
  return [
    `${ready} of ${wanted} pods are ready now`,
    isRolling ? 'a rollout is in progress or stuck' : '',
    services,
    autoscaler,
  ].filter(Boolean)
}

async function servicesOf(
  cluster: Cluster,
  namespace: string,
  { spec }: Deployment,
  signal: AbortSignal,
): Promise<string> {
  const labels = spec?.template?.metadata?.labels ?? {}
  try {
    const { items } = await allItems<ServiceObject>(cluster, paths.services(namespace), { signal })
    const matching = items.filter((service) => {
      const selector = Object.entries(service.spec?.selector ?? {})
      return selector.length > 0 && selector.every(([key, value]) => labels[key] === value)
    })
    return matching.length > 0
      ? `behind service ${matching.map((service) => service.metadata.name).join(', ')}`
      : 'no service points to it'
  } catch {
    signal.throwIfAborted()
    return 'services could not be looked at'
  }
}

async function autoscalerOf(
  cluster: Cluster,
  namespace: string,
  kind: string,
  { metadata }: Deployment,
  signal: AbortSignal,
): Promise<string> {
  try {
    const { items } = await allItems<Autoscaler>(cluster, paths.autoscalers(namespace), { signal })
    const owner = items.find(
      ({ spec }) => spec?.scaleTargetRef?.kind === kind && spec.scaleTargetRef.name === metadata.name,
    )
    return owner
      ? `autoscaler ${owner.metadata.name} sets its replicas (${owner.spec?.minReplicas ?? 1} to ${owner.spec?.maxReplicas}) and may undo another number`
      : ''
  } catch (error) {
    signal.throwIfAborted()
    // A server without this API has no autoscalers.
    return error instanceof ClusterError && error.status === 404 ? '' : 'autoscalers could not be looked at'
  }
}

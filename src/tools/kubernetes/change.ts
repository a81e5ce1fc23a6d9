import { createTwoFilesPatch } from 'diff'
import { stringify } from 'yaml'
import { type Preview, Refusal, type ToolContext } from '../tool.ts'
import type { Change, Cluster } from './cluster.ts'
import { ClusterError } from './errors.ts'
import { type Deployment, type List, paths } from './objects.ts'

/** Bounds that hold before anybody is asked. */
export interface ChangeRules {
  protectedNamespaces: string[]
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

/** Throws when nothing may be changed there. */
export function refuseProtected(namespace: string, { protectedNamespaces }: ChangeRules): void {
  if (protectedNamespaces.includes(namespace))
    throw new Refusal(`Namespace ${namespace} is protected: this bot changes nothing there.`)
}

/** Asks the server whether the bot itself may do it, so that people are not asked for what would fail. */
export async function refuseForbidden(
  cluster: Cluster,
  access: { verb: string; group: string; resource: string; subresource?: string; namespace: string; name: string },
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
    `The bot has no permission to ${access.verb} ${resource} in namespace ${access.namespace}. Its Role has to allow it.`,
  )
}

/** Lets the server try the change without keeping it; shows what would differ. */
export async function tryOut<Body extends object>(
  cluster: Cluster,
  change: Change,
  before: Body,
  signal: AbortSignal,
): Promise<string> {
  try {
    const after = await cluster.send<Body>(change, { signal, dryRun: true })
    return diffOf(before, after)
  } catch (error) {
    if (error instanceof ClusterError) throw new Refusal(`The server would not accept this: ${error.message}`)
    throw error
  }
}

function diffOf(before: object, after: object): string {
  const patch = createTwoFilesPatch('now', 'then', yamlOf(before), yamlOf(after), '', '', { context: 2 })
  return patch
    .split('\n')
    .filter((line) => !/^(=+|---|\+\+\+|Index:)/.test(line) && !line.startsWith('\\ No newline'))
    .join('\n')
    .trimEnd()
}

/** Without what the server keeps for itself. */
function yamlOf(object: object): string {
  const { metadata, status: _status, ...rest } = object as { metadata?: Record<string, unknown>; status?: unknown }
  const { managedFields: _fields, resourceVersion: _version, generation: _generation, ...meta } = metadata ?? {}
  return stringify({ ...rest, metadata: meta }, { sortMapEntries: true, lineWidth: 0 })
}

/** Sends what was approved, and nothing else. `path` is where a call with these arguments has to go. */
export async function sendApproved<Body>(
  cluster: Cluster,
  path: string,
  { approved, signal }: ToolContext,
): Promise<Body> {
  if (!approved) throw new Error('This call was not approved.')
  if (approved.request.path !== path)
    throw new Error('The approved request goes to another object than this call names.')
  try {
    return await cluster.send<Body>(approved.request, { signal })
  } catch (error) {
    // The same request passed as a dry run a moment ago: a failing `test` operation is a 422 without a reason.
    if (error instanceof ClusterError && (error.status === 409 || error.status === 422)) {
      throw new Error('Not done: the object was changed after the approval was asked for. Look at it again.', {
        cause: error,
      })
    }
    throw error
  }
}

/** The state that a preview was worked out for. */
export const versionOf = ({ metadata }: Deployment): string => `${metadata.uid}/${metadata.generation}`

/** A JSON patch that the server refuses when the object is not the one that was looked at. */
export function guardedPatch(path: string, tests: object[], operations: object[]): Preview['request'] {
  return {
    method: 'PATCH',
    path,
    contentType: 'application/json-patch+json',
    body: JSON.stringify([...tests, ...operations], null, 1),
  }
}

/** Who is behind a deployment: pods, services, an autoscaler. What cannot be read is said. */
export async function affected(
  cluster: Cluster,
  namespace: string,
  deployment: Deployment,
  signal: AbortSignal,
): Promise<string[]> {
  const { spec, status } = deployment
  const lines = [`${status?.readyReplicas ?? 0} of ${spec?.replicas ?? 1} pods are ready now`]
  const labels = spec?.template?.metadata?.labels ?? {}
  if ((status?.updatedReplicas ?? 0) < (spec?.replicas ?? 1)) lines.push('a rollout is in progress or stuck')
  lines.push(await servicesOf(cluster, namespace, labels, signal))
  lines.push(await autoscalerOf(cluster, namespace, deployment.metadata.name, signal))
  return lines.filter(Boolean)
}

async function servicesOf(
  cluster: Cluster,
  namespace: string,
  labels: Record<string, string>,
  signal: AbortSignal,
): Promise<string> {
  try {
    const { items = [] } = await cluster.get<List<ServiceObject>>(paths.services(namespace), {
      signal,
      query: { limit: 500 },
    })
    const matching = items.filter(({ spec }) => {
      const selector = Object.entries(spec?.selector ?? {})
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

async function autoscalerOf(cluster: Cluster, namespace: string, name: string, signal: AbortSignal): Promise<string> {
  try {
    const { items = [] } = await cluster.get<List<Autoscaler>>(paths.autoscalers(namespace), {
      signal,
      query: { limit: 500 },
    })
    const owner = items.find(
      ({ spec }) => spec?.scaleTargetRef?.kind === 'Deployment' && spec.scaleTargetRef.name === name,
    )
    return owner
      ? `autoscaler ${owner.metadata.name} sets its replicas (${owner.spec?.minReplicas ?? 1} to ${owner.spec?.maxReplicas})`
      : ''
  } catch {
    signal.throwIfAborted()
    return ''
  }
}

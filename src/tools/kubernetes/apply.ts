import { isMap, parseAllDocuments, stringify } from 'yaml'
import * as z from 'zod'
import { sentenceOf } from '../../text/sentence.ts'
import { type ChangeTool, defineChange, type Preview, Refusal, type Right, type Target } from '../tool.ts'
import { type ChangeRules, diffOf, refuseClusterWide, refuseForbidden, sendToCluster } from './change.ts'
import type { Cluster } from './cluster.ts'
import { type ApiResource, apiVersionOf, type Discovery, listPath } from './discovery.ts'
import { ClusterError } from './errors.ts'
import type { Meta } from './objects.ts'
import { isRolledKind } from './workload.ts'

interface Manifest {
  apiVersion: string
  kind: string
  metadata: Meta
  spec?: { replicas?: unknown }
}

/** Where an object goes: `path` is its own. */
interface Place {
  resource: ApiResource
  target: Target
  path: string
}

const mostBytes = 64 * 1024

/** Kinds by which one could gain rights, read secrets, or change what every other request means. */
const deniedGroups = [
  'rbac.authorization.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'certificates.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
]
const deniedKinds = ['Secret', 'Namespace', 'Node', 'ServiceAccount', 'List']

/** Kinds that the bot's own Role allows; a Role may allow more. */
const applyRights: Right[] = [
  ...['configmaps', 'services'].map((resource) => ({ group: '', resource })),
  ...['deployments', 'statefulsets', 'daemonsets'].map((resource) => ({ group: 'apps', resource })),
  ...['jobs', 'cronjobs'].map((resource) => ({ group: 'batch', resource })),
  { group: 'networking.k8s.io', resource: 'ingresses' },
  { group: 'autoscaling', resource: 'horizontalpodautoscalers' },
  { group: 'policy', resource: 'poddisruptionbudgets' },
].map((right) => ({ ...right, verbs: ['get', 'create', 'patch'] }))

const manifestText = z.string().superRefine((text, context) => {
  try {
    parseManifest(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: sentenceOf(error) })
  }
})

export function applyManifest(cluster: Cluster, discovery: Discovery, rules: ChangeRules): ChangeTool {
  /** Where the object goes. Only the server knows whether a kind has namespaces. */
  async function placeOf(manifest: Manifest, signal: AbortSignal): Promise<Place> {
    refuseDenied(manifest)
    const resource = await discovery.ofObject(manifest.apiVersion, manifest.kind, signal)
    const { kind, name, namespace: given } = namesIn(manifest)
    const namespace = resource.namespaced ? cluster.namespaceFor(given) : undefined
    const target = { kind, name, ...(namespace && { namespace }) }
    return { resource, target, path: `${listPath(resource, namespace)}/${name}` }
  }

  return defineChange({
    name: 'k8s_apply',
    description: 'Server-side apply of one object; give only the fields to set (needs approval).',
    input: z.object({ manifest: manifestText.describe('YAML') }),
    effect: ({ manifest }) => (parseManifest(manifest).spec?.replicas === 0 ? 'destroy' : 'change'),
    rights: applyRights,
    summary: ({ manifest }) => `apply ${titleOf(namesIn(parseManifest(manifest)))}`,
    target: async ({ manifest }, { signal }) => (await placeOf(parseManifest(manifest), signal)).target,
    async preflight({ manifest }, { signal }): Promise<Preview> {
      const given = parseManifest(manifest)
      const { resource, target, path } = await placeOf(given, signal)
      if (!resource.namespaced) refuseClusterWide(cluster, titleOf(target))
      refuseMisplaced(given, resource)
      refuseTooMany(given, rules)
      const before = await readBefore(cluster, path, signal)
      const { kind: _kind, ...named } = target
      const access = { group: resource.group, resource: resource.resource, ...named }
      await refuseForbidden(cluster, { verb: 'patch', ...access }, signal)
      if (!before) await refuseForbidden(cluster, { verb: 'create', ...access }, signal)

      const request = {
        method: 'PATCH',
        path,
        contentType: 'application/apply-patch+yaml',
        body: bodyOf(given, apiVersionOf(resource), target.namespace, before),
      }
      const diff = await tryApply(cluster, request, before ?? {}, signal)
      return {
        request,
        diff,
        affects: [
          `${before ? 'it exists and is changed' : 'it does not exist yet and is created'}, ${whereOf(target)}`,
        ],
        version: before
          ? (guardOf(before).resourceVersion ?? `${before.metadata.uid}/${before.metadata.generation}`)
          : 'absent',
        watch: isRolledKind(given.kind) ? target : 'none',
      }
    },
    async run({ manifest }, approved, { signal }) {
      const { target, path } = await placeOf(parseManifest(manifest), signal)
      await sendToCluster(cluster, path, approved, signal)
      const isNew = approved.version === 'absent'
      return `${titleOf(target)} was ${isNew ? 'created' : 'changed'}.`
    },
  })
}

/** One object with the fields that name it. Throws a sentence. */
function parseManifest(text: string): Manifest {
  if (Buffer.byteLength(text) > mostBytes) throw new Error(`must have at most ${mostBytes / 1024} KiB`)
  const documents = parseAllDocuments(text)
  if (!Array.isArray(documents)) throw new Error('must be the YAML of one object, not nothing')
  const [document, ...others] = documents.filter(({ contents }) => contents !== null)
  const problem = document?.errors[0]
  if (problem) throw new Error(`is not YAML: ${problem.message.split('\n')[0]}`)
  if (!document || !isMap(document.contents)) throw new Error('must be the YAML of one object')
  if (others.length > 0) throw new Error('must hold one object; propose several one after the other')
  const { apiVersion, kind, metadata, ...rest } = document.toJS() as Record<string, unknown> & { metadata?: unknown }
  const { name, namespace } = (metadata ?? {}) as Record<string, unknown>
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') throw new Error('must say apiVersion and kind')
  if (typeof name !== 'string' || !/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name))
    throw new Error('must say metadata.name: lower-case letters, digits, dashes')
  if (
    namespace !== undefined &&
    (typeof namespace !== 'string' || !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace))
  )
    throw new Error('has a metadata.namespace that is no name of a namespace')
  return { apiVersion, kind, metadata: metadata as Meta, ...rest }
}

function refuseDenied({ apiVersion, kind }: Manifest): void {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
  if (deniedGroups.includes(group) || deniedKinds.includes(kind))
    throw new Refusal(
      `This bot applies no ${kind} of ${apiVersion}: who may do what, secrets and the cluster's own rules stay in people's hands.`,
    )
}

/** A namespace that the kind has not would stand in what people are asked about, and nowhere else. */
function refuseMisplaced({ kind, metadata }: Manifest, { namespaced }: ApiResource): void {
  if (!namespaced && metadata.namespace !== undefined)
    throw new Refusal(`${kind} belongs to the whole cluster: leave metadata.namespace out.`)
}

function refuseTooMany({ spec }: Manifest, { maxReplicas }: ChangeRules): void {
  if (typeof spec?.replicas === 'number' && spec.replicas > maxReplicas)
    throw new Refusal(`At most ${maxReplicas} replicas may be asked for, not ${spec.replicas}.`)
}

/** As the manifest says it: where none is given, the namespace is found out when the object is placed. */
const namesIn = ({ kind, metadata: { namespace, name } }: Manifest): Target => ({
  kind,
  name,
  ...(namespace && { namespace }),
})

const titleOf = ({ kind, namespace, name }: Target): string => `${kind} ${namespace ? `${namespace}/` : ''}${name}`

const whereOf = ({ namespace }: Target): string => (namespace ? `in namespace ${namespace}` : 'in the whole cluster')

interface Existing {
  metadata: Meta & { resourceVersion?: string }
}

async function readBefore(cluster: Cluster, path: string, signal: AbortSignal): Promise<Existing | undefined> {
  try {
    return await cluster.get<Existing>(path, { signal })
  } catch (error) {
    if (error instanceof ClusterError && error.status === 404) return undefined
    throw error
  }
}

/** What ties the request to the object that was looked at: kinds that count no generations are tied to every write. */
const guardOf = ({ metadata }: Existing): { uid?: string; resourceVersion?: string } => ({
  ...(metadata.uid && { uid: metadata.uid }),
  ...(metadata.generation === undefined && metadata.resourceVersion && { resourceVersion: metadata.resourceVersion }),
})

/** Exactly what will be sent: the given fields, at the place where it will go, tied to the object that is there now. */
function bodyOf(
  { metadata, ...rest }: Manifest,
  apiVersion: string,
  namespace: string | undefined,
  before: Existing | undefined,
): string {
  const { managedFields: _fields, namespace: _given, ...meta } = metadata
  const placedMeta = { ...meta, ...(namespace && { namespace }), ...(before && guardOf(before)) }
  const { apiVersion: _api, kind, ...fields } = rest
  const { status: _status, ...wanted } = fields as Record<string, unknown>
  // The server reads YAML by older rules, in which a bare `yes` or `on` is no text.
  return stringify({ apiVersion, kind, metadata: placedMeta, ...wanted }, { compat: 'yaml-1.1', lineWidth: 0 })
}

async function tryApply(
  cluster: Cluster,
  request: Preview['request'],
  before: object,
  signal: AbortSignal,
): Promise<string> {
  try {
    const after = await cluster.send<object>(request, { signal, dryRun: true })
    const diff = diffOf(before, after)
    if (diff === '') throw new Refusal('This would change nothing.')
    return diff
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    if (error.status === 409)
      throw new Refusal(
        `Others own fields that this would change, so it is not applied: ${error.message} Leave those fields out, or have them changed where their owner gets them from.`,
      )
    throw new Refusal(`The server would not accept this: ${error.message}`)
  }
}

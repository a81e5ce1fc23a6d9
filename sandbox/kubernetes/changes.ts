import { isDeepStrictEqual } from 'node:util'
import type { Objects } from './objects.ts'
import { applyPatch } from './patch.ts'
import { matchesLabels } from './selectors.ts'
import { badRequest, conflict, type FieldProblem, invalid, notFound } from './status.ts'
import type { Deployment } from './types.ts'

/** A change as a request asks for it. `dryRun` is the query parameter: `All` shows the result and stores nothing. */
export interface Change {
  namespace: string
  name: string
  contentType: string
  body: string
  dryRun: string | undefined
}

export function patchDeployment(objects: Objects, change: Change): Deployment {
  const before = findDeployment(objects, change)
  const isDryRun = checkDryRun('PatchOptions', change.dryRun)
  const after = applyPatch(before, change.contentType, change.body)
  return store(objects, before, after, isDryRun)
}

export interface Scale {
  kind: 'Scale'
  apiVersion: 'autoscaling/v1'
  metadata: Pick<Deployment['metadata'], 'name' | 'namespace' | 'uid' | 'resourceVersion' | 'creationTimestamp'>
  spec: { replicas?: number }
  status: { replicas: number; selector: string }
}

export function readScale(objects: Objects, where: Pick<Change, 'namespace' | 'name'>): Scale {
  return scaleOf(findDeployment(objects, where))
}

export function patchScale(objects: Objects, change: Change): Scale {
  const before = findDeployment(objects, change)
  const isDryRun = checkDryRun('PatchOptions', change.dryRun)
  return storeScale(objects, before, applyPatch(scaleOf(before), change.contentType, change.body), isDryRun)
}

export function putScale(objects: Objects, change: Change): Scale {
  const before = findDeployment(objects, change)
  const isDryRun = checkDryRun('UpdateOptions', change.dryRun)
  return storeScale(objects, before, parseScale(change.body), isDryRun)
}

function findDeployment(objects: Objects, { namespace, name }: Pick<Change, 'namespace' | 'name'>): Deployment {
  const deployment = objects.find('deployments', namespace, name)
  if (!deployment) throw notFound('deployments', name)
  return deployment
}

function checkDryRun(kind: string, dryRun: string | undefined): boolean {
  if (dryRun === undefined) return false
  if (dryRun === 'All') return true
  const problem = `Unsupported value: ["${dryRun}"]: supported values: "All"`
  throw invalid(`${kind}.meta.k8s.io`, '', [{ field: 'dryRun', problem, reason: 'FieldValueNotSupported' }])
}

function scaleOf({ metadata, spec, status }: Deployment): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata
  const selector = Object.entries(spec.selector.matchLabels).map(([label, value]) => `${label}=${value}`)
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace: namespace!, uid, resourceVersion, creationTimestamp },
    // The API server leaves out a zero here, though not in a deployment.
    spec: spec.replicas > 0 ? { replicas: spec.replicas } : {},
    status: { replicas: status.replicas ?? 0, selector: selector.join(',') },
  }
}

function parseScale(body: string): Pick<Scale, 'metadata' | 'spec'> {
  try {
    const scale = JSON.parse(body)
    if (scale.metadata && scale.spec) return scale
  } catch {
    // Falls through to the refusal, like JSON that is no Scale.
  }
  throw badRequest('the object provided is unrecognized (must be of type Scale)')
}

function storeScale(
  objects: Objects,
  before: Deployment,
  scale: Pick<Scale, 'metadata' | 'spec'>,
  isDryRun: boolean,
): Scale {
  const { replicas = 0 } = scale.spec
  const { resourceVersion } = scale.metadata
  if (resourceVersion && resourceVersion !== before.metadata.resourceVersion)
    throw conflict('deployments', before.metadata.name)
  const problem = replicasProblem(replicas)
  if (problem) throw invalid('Scale.autoscaling', before.metadata.name, [problem])
  return scaleOf(store(objects, before, { ...before, spec: { ...before.spec, replicas } }, isDryRun))
}

function store(objects: Objects, before: Deployment, after: Deployment, isDryRun: boolean): Deployment {
  const { name, resourceVersion } = before.metadata
  if (after.metadata?.resourceVersion !== resourceVersion) throw conflict('deployments', name)
  const problems = problemsOf(before, after)
  if (problems.length > 0) throw invalid('Deployment.apps', name, problems)
  // The status is the controllers' own; a patch of the object leaves it alone.
  const wanted = { ...after, status: before.status }
  const isNew =
    !isDeepStrictEqual(wanted.spec, before.spec) ||
    !isDeepStrictEqual(wanted.metadata.annotations, before.metadata.annotations)
  const generation = (before.metadata.generation ?? 0) + (isNew ? 1 : 0)
  const result = { ...wanted, metadata: { ...wanted.metadata, generation } }
  return isDryRun ? result : objects.change('deployments', before, (copy) => void Object.assign(copy, result))
}

function problemsOf(before: Deployment, after: Deployment): FieldProblem[] {
  const problems: FieldProblem[] = []
  for (const field of ['name', 'namespace', 'uid'] as const)
    if (after.metadata[field] !== before.metadata[field])
      problems.push(immutable(`metadata.${field}`, after.metadata[field]))
  const replicas = replicasProblem(after.spec?.replicas)
  if (replicas) problems.push(replicas)
  const labels = after.spec?.template?.metadata?.labels
  if (!matchesLabels(labels, after.spec?.selector?.matchLabels ?? {}))
    problems.push({
      field: 'spec.template.metadata.labels',
      problem: `Invalid value: ${JSON.stringify(labels ?? null)}: \`selector\` does not match template \`labels\``,
    })
  if (!isDeepStrictEqual(after.spec?.selector, before.spec.selector))
    problems.push(immutable('spec.selector', after.spec?.selector))
  const containers = after.spec?.template?.spec?.containers
  if (!Array.isArray(containers) || containers.length === 0)
    problems.push({ field: 'spec.template.spec.containers', problem: 'Required value' })
  return problems
}

function immutable(field: string, value: unknown): FieldProblem {
  return { field, problem: `Invalid value: ${JSON.stringify(value ?? null)}: field is immutable` }
}

function replicasProblem(replicas: unknown): FieldProblem | undefined {
  if (Number.isInteger(replicas) && (replicas as number) >= 0) return undefined
  const rule = Number.isInteger(replicas) ? 'must be greater than or equal to 0' : 'must be an integer'
  return { field: 'spec.replicas', problem: `Invalid value: ${JSON.stringify(replicas ?? null)}: ${rule}` }
}

import type { Cluster } from './cluster.ts'
import { type Health, healthOf } from './health.ts'
import { type Deployment, type List, paths } from './objects.ts'

export interface WorkloadHealth extends Health {
  name: string
}

const most = 20

/** The deployments that a set of words names (by name, `app` label or image), with their health; `undefined`: all that are not well. */
export async function workloads(
  cluster: Cluster,
  words: string[] | undefined,
  signal: AbortSignal,
): Promise<WorkloadHealth[]> {
  const deployments = (
    await Promise.all(
      namespacesOf(cluster).map((path) => cluster.get<List<Deployment>>(path, { signal, query: { limit: 500 } })),
    )
  ).flatMap((list) => list.items ?? [])
  const wanted = words && new Set(words.map((word) => word.toLowerCase()))
  const chosen = wanted
    ? deployments.filter((deployment) => namesOf(deployment).some((name) => wanted.has(name)))
    : deployments
  const found = await Promise.all(
    chosen.slice(0, wanted ? most : 200).map(async (deployment) => ({
      name: `${deployment.metadata.namespace}/${deployment.metadata.name}`,
      ...(await healthOf(cluster, deployment, signal)),
    })),
  )
  return wanted ? found : found.filter((one) => one.state !== 'healthy').slice(0, most)
}

const namespacesOf = ({ namespaces }: Cluster): string[] =>
  namespaces.includes('*') ? ['/apis/apps/v1/deployments'] : namespaces.map(paths.deployments)

function namesOf({ metadata, spec }: Deployment): string[] {
  const labels = { ...metadata.labels, ...spec?.template?.metadata?.labels }
  const images = (spec?.template?.spec?.containers ?? []).map((container) => imageName(container.image ?? ''))
  return [
    metadata.name,
    `${metadata.namespace}/${metadata.name}`,
    labels.app,
    labels['app.kubernetes.io/name'],
    ...images,
  ].filter((name) => name !== undefined && name !== '') as string[]
}

/** `registry.corp:5000/shop/api:1.2@sha256:…` is `api`. */
const imageName = (image: string): string => (image.split('@')[0] ?? '').split('/').at(-1)?.split(':')[0] ?? ''

import type { Cluster } from './cluster.ts'
import { type Health, healthOf } from './health.ts'
import { type Deployment, paths } from './objects.ts'
import { allItems } from './pages.ts'

export interface WorkloadHealth extends Health {
  /** `shop/api` */
  name: string
  namespace: string
  workload: string
}

const most = 20

/** The deployments that a set of words names (by name, `app` label or image), with their health. */
export async function workloads(cluster: Cluster, words: string[], signal: AbortSignal): Promise<WorkloadHealth[]> {
  const lists = await Promise.all(pathsOf(cluster).map((path) => allItems<Deployment>(cluster, path, { signal })))
  const deployments = lists.flatMap(({ items }) => items)
  const wanted = new Set(words.map((word) => word.toLowerCase()))
  const chosen = deployments.filter((deployment) => namesOf(deployment).some((name) => wanted.has(name)))
  return await Promise.all(
    chosen.slice(0, most).map(async (deployment) => ({
      name: `${deployment.metadata.namespace}/${deployment.metadata.name}`,
      namespace: deployment.metadata.namespace ?? '',
      workload: deployment.metadata.name,
      ...(await healthOf(cluster, { kind: 'Deployment', object: deployment }, signal)),
    })),
  )
}

const pathsOf = ({ namespaces }: Cluster): string[] =>
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

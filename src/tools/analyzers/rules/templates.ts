import type { ObjectRef } from '../analyzer.ts'
import type { KindName } from '../kinds/index.ts'
import type { PodSpec } from '../kinds/pod-spec.ts'
import { refOf, type Snapshot } from '../snapshot.ts'

/** What a workload would make pods from, whether it has any or not. */
export interface Template {
  workload: ObjectRef
  namespace: string
  labels: Record<string, string>
  spec: PodSpec | undefined
  /** How many pods there should be; 0 for what sleeps on purpose. */
  wanted: number
}

/** The kinds that `templatesOf` looks at. */
export const templateKinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob'] satisfies KindName[]

export const templatesAreKnown = (snapshot: Snapshot, namespace: string | undefined): boolean =>
  templateKinds.every((kind) => snapshot.isKnown(kind, namespace))

/** Jobs that a CronJob made are left out: the CronJob has their template. */
export function templatesOf(snapshot: Snapshot): Template[] {
  return [
    ...snapshot.list('Deployment').map((one) => templateOf('Deployment', one, one.spec?.replicas ?? 1)),
    ...snapshot.list('StatefulSet').map((one) => templateOf('StatefulSet', one, one.spec?.replicas ?? 1)),
    ...snapshot.list('DaemonSet').map((one) => templateOf('DaemonSet', one, one.status?.desiredNumberScheduled ?? 1)),
    ...snapshot
      .list('Job')
      .filter(({ metadata }) => !metadata.ownerReferences?.some(({ kind }) => kind === 'CronJob'))
      .map((one) => templateOf('Job', one, one.status?.active ?? 0)),
    ...snapshot
      .list('CronJob')
      .map(({ metadata, spec }) => templateOf('CronJob', { metadata, spec: spec?.jobTemplate?.spec }, 0)),
  ]
}

interface Workload {
  metadata: { name: string; namespace?: string | undefined }
  spec?:
    | {
        template?:
          | {
              metadata?: { labels?: Record<string, string> | undefined } | undefined
              spec?: PodSpec | undefined
            }
          | undefined
      }
    | undefined
}

const templateOf = (kind: KindName, { metadata, spec }: Workload, wanted: number): Template => ({
  workload: refOf(kind, metadata),
  namespace: metadata.namespace ?? '',
  labels: spec?.template?.metadata?.labels ?? {},
  spec: spec?.template?.spec,
  wanted,
})

// Controllers put these on pods; no template has them.
const addedByControllers = new Set([
  'apps.kubernetes.io/pod-index',
  'batch.kubernetes.io/controller-uid',
  'batch.kubernetes.io/job-completion-index',
  'batch.kubernetes.io/job-name',
  'controller-revision-hash',
  'controller-uid',
  'job-name',
  'pod-template-generation',
  'pod-template-hash',
  'statefulset.kubernetes.io/pod-name',
])

/** The part of a selector that a template can fulfil. */
export const withoutAddedLabels = (selector: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(selector).filter(([key]) => !addedByControllers.has(key)))

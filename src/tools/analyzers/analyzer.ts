import type { Cluster } from '../kubernetes/cluster.ts'
import type { KindName } from './kinds/index.ts'
import type { LabelSelector } from './kinds/meta.ts'
import type { Unchecked } from './run.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * analyzer  a pure function that looks at a snapshot for the faults of one kind
 * probe     looks for what cannot stand in a snapshot, such as log lines: it asks the cluster itself
 * finding   something that is wrong, with the fields that show it
 * owner     who has the fault: the controller at the top, `Deployment shop/api` for a pod of its; the object itself without one
 * unchecked what could not be looked at. It is neither well nor ill
 */
export interface Analyzer {
  /** As in K8sGPT's filters: `Pod`, `PersistentVolumeClaim`. */
  name: string
  /** In a few words, for the list of all of them. */
  finds: string
  /** Runs when no filter names analyzers. */
  core: boolean
  /** What has to be in the snapshot. The rights that a run needs follow from it. */
  reads: KindName[]
  /** Must not throw, whatever fields are missing; must not look at any other clock than `snapshot.now`. */
  inspect(snapshot: Snapshot): Finding[]
}

export interface Probe extends Pick<Analyzer, 'name' | 'core' | 'reads'> {
  /** May ask the cluster after the snapshot was read. What it could not look at it tells; rejects only when `signal` is aborted. */
  look(view: View): Promise<{ findings: Finding[]; unchecked: Unchecked[] }>
}

/** What a probe looks through. */
export interface View {
  snapshot: Snapshot
  cluster: Cluster
  /** `['*']` for all. */
  namespaces: string[]
  /** Only objects with these labels. */
  labels?: LabelSelector
  /** Requests at the same time. */
  maxConcurrency: number
  signal: AbortSignal
}

/** `critical`: users are affected now, or the cluster cannot be repaired. `warning`: degraded, or will break. `info`: hygiene, intent unclear. */
export type Severity = 'critical' | 'warning' | 'info'

/** Worst first. */
export const rank: Record<Severity, number> = { critical: 0, warning: 1, info: 2 }

export interface ObjectRef {
  kind: string
  namespace?: string
  name: string
}

export interface Finding {
  object: ObjectRef
  owner: ObjectRef
  /** Kubernetes' reason or a word of ours in the same style (`NoEndpoints`). With the owner it names the finding from run to run. */
  reason: string
  severity: Severity
  /** `high`: the state says so. `medium`: worked out. `low`: a text matched. */
  confidence: 'high' | 'medium' | 'low'
  /** One sentence: which field has which value. No relative times, no guessed cause. */
  text: string
  /** When it began, as ISO time. */
  since?: string
  evidence: Evidence[]
  /** What to look at or do next; names a tool: `k8s_get_pod_logs name=… previous=true`. */
  next: string
  /** Objects that suffer from this and are not reported themselves. */
  affects?: ObjectRef[]
  /** Path of the field that is documented (`--with-doc`): `spec.template.spec.containers.image`. */
  field?: string
}

/** Where it can be seen: `{ object, path: 'status.phase', value: 'Pending' }`. An event has the path `event/<reason>`. */
export interface Evidence {
  object: ObjectRef
  path: string
  value: string
}

/** The same fault has the same id in every run. */
export const findingId = ({ owner, reason }: Pick<Finding, 'owner' | 'reason'>): string =>
  [owner.kind, owner.namespace ?? '', owner.name, reason].join('/')

import type { Finding, ObjectRef } from '../../../src/tools/analyzers/analyzer.ts'
import type { Report } from '../../../src/tools/analyzers/run.ts'
import { now, snapshotOf } from './snapshot.ts'

export const ref = (kind: string, name: string, namespace: string | null = 'shop'): ObjectRef => ({
  kind,
  name,
  ...(namespace !== null && { namespace }),
})

/** A crashing container of Deployment shop/api, unless told otherwise. */
export const finding = (more: Partial<Finding> = {}): Finding => ({
  object: more.owner ?? ref('Deployment', 'api'),
  owner: ref('Deployment', 'api'),
  reason: 'CrashLoopBackOff',
  severity: 'critical',
  confidence: 'high',
  text: 'Container api has the state CrashLoopBackOff.',
  evidence: [{ object: ref('Pod', 'api-1'), path: 'status.containerStatuses[api].state', value: 'CrashLoopBackOff' }],
  next: 'k8s_get_pod_logs name=api-1 previous=true',
  ...more,
})

export const report = (findings: Finding[], more: Partial<Report> = {}): Report => ({
  findings,
  unchecked: [],
  stats: [],
  checkedAt: now,
  snapshot: snapshotOf({}),
  ...more,
})

export const gap = (kind = 'Pod', namespace = 'shop') => ({
  analyzers: [kind],
  kind,
  namespace,
  reason: 'forbidden',
  message: `${kind}: No permission in ${namespace}. The bot's Role has to allow it.`,
})

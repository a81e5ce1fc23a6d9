import type { Analyzer, Finding, ObjectRef } from '../../analyzer.ts'
import type { PolicyReport } from '../../kinds/extensions.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { counted, distinct, fullName, listed } from '../phrases.ts'

export const policyReport: Analyzer = {
  name: 'PolicyReport',
  finds: 'Kyverno policies that objects of a namespace break',
  core: false,
  reads: ['PolicyReport'],
  inspect: (snapshot) => perPolicy('PolicyReport', snapshot),
}

export const clusterPolicyReport: Analyzer = {
  name: 'ClusterPolicyReport',
  finds: 'Kyverno policies that objects of the cluster break',
  core: false,
  reads: ['ClusterPolicyReport'],
  inspect: (snapshot) => perPolicy('ClusterPolicyReport', snapshot),
}

interface Failure {
  policy: string
  rule: string
  severity: string
  message: string
  report: ObjectRef
  objects: ObjectRef[]
}

/** One finding a policy and namespace, however many reports speak of it: Kyverno writes one for each object. */
function perPolicy(kind: 'PolicyReport' | 'ClusterPolicyReport', snapshot: Snapshot): Finding[] {
  const failures = snapshot.list(kind).flatMap((report) => failuresIn(kind, report))
  const groups = Map.groupBy(failures, ({ report, policy }) => `${report.namespace ?? ''} ${policy}`)
  return [...groups.values()].map(toFinding)
}

function failuresIn(kind: string, { metadata, scope, results = [] }: PolicyReport): Failure[] {
  return results.map(({ policy = 'not named', rule = '', severity = '', message = '', resources = [] }) => ({
    policy,
    rule,
    severity: severity.toLowerCase(),
    message,
    report: refOf(kind, metadata),
    objects: [...resources, ...(scope ? [scope] : [])].flatMap(({ kind: of, namespace, name }) =>
      of && name ? [refOf(of, { namespace, name })] : [],
    ),
  }))
}

function toFinding(failures: Failure[]): Finding {
  const [{ policy, report, objects }] = failures as [Failure, ...Failure[]]
  const names = distinct(failures.flatMap((one) => one.objects).map((object) => `${object.kind} ${fullName(object)}`))
  const { namespace } = report
  return {
    object: objects[0] ?? report,
    owner: namespace === undefined ? refOf('ClusterPolicy', { name: policy }) : refOf('Namespace', { name: namespace }),
    reason: `PolicyFailed-${policy}`,
    severity: failures.some(({ severity }) => severity === 'critical' || severity === 'high') ? 'warning' : 'info',
    confidence: 'high',
    text: `Policy ${policy} is broken ${counted(failures.length, 'time')}${names.length > 0 ? ` by ${listed(names)}` : ''}.`,
    evidence: failures.slice(0, 3).map(({ report: where, rule, message }) => ({
      object: where,
      path: `results[${policy}${rule && `/${rule}`}].message`,
      value: message,
    })),
    next: `k8s_get kind=${report.kind} name=${report.name}${namespace === undefined ? '' : ` namespace=${namespace}`}`,
  }
}

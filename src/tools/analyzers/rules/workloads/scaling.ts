import { nearest } from '../../../../text/nearest.ts'
import type { Evidence, Finding, ObjectRef } from '../../analyzer.ts'
import type { KindName } from '../../kinds/index.ts'
import type { Container } from '../../kinds/pod-spec.ts'
import type { Snapshot } from '../../snapshot.ts'
import { counted, distinct, fullName, listed } from '../phrases.ts'

/** What an autoscaler scales. Any kind with a scale subresource may be one; these can be looked up. */
const scalable = ['Deployment', 'ReplicaSet', 'StatefulSet'] as const

/** The kinds that the functions here look at. */
export const scalingKinds = [...scalable, 'Pod'] satisfies KindName[]

/** An autoscaler of whatever kind, and what it points at. */
export interface Scaler {
  object: ObjectRef
  owner: ObjectRef
  target: { apiVersion?: string | undefined; kind?: string | undefined; name?: string | undefined } | undefined
  snapshot: Snapshot
}

/** The resources of which a share of the request is measured, and in which container; in all without one. */
export interface Utilization {
  resource: string
  container?: string | undefined
}

export function missingTarget({ object, owner, target, snapshot }: Scaler): Finding[] {
  const kind = scalableKind(target)
  const { namespace } = object
  if (!kind || !target?.name || !snapshot.isKnown(kind, namespace) || snapshot.find(kind, namespace, target.name))
    return []
  const names = snapshot
    .list(kind)
    .filter(({ metadata }) => metadata.namespace === namespace)
    .map(({ metadata }) => metadata.name)
  const meant = nearest(target.name, names, 1)[0] ?? names.find((name) => target.name?.includes(name))
  return [
    {
      object,
      owner,
      reason: 'MissingScaleTarget',
      severity: 'warning',
      confidence: 'high',
      text: `${object.kind} ${fullName(object)} scales nothing: its target ${kind} ${target.name} does not exist${meant ? `, but there is a ${kind} ${meant}` : ''}.`,
      evidence: [
        { object, path: 'spec.scaleTargetRef', value: `${kind}/${target.name}` },
        ...(meant
          ? [
              {
                object: { kind, ...(namespace !== undefined && { namespace }), name: meant },
                path: 'metadata.name',
                value: meant,
              },
            ]
          : []),
      ],
      next: `k8s_list kind=${kind} namespace=${namespace}; correct spec.scaleTargetRef with k8s_apply`,
      field: 'spec.scaleTargetRef',
    },
  ]
}

/** Its API group is looked at too: a kind of the same name elsewhere is another one. */
function scalableKind(target: Scaler['target']): (typeof scalable)[number] | undefined {
  if (!(target?.apiVersion ?? 'apps/v1').startsWith('apps/')) return undefined
  return scalable.find((kind) => kind === target?.kind)
}

/** A share of a request cannot be counted where a container has none. */
export function missingRequests(scaler: Scaler, wanted: Utilization[]): Finding[] {
  const { object, owner, target } = scaler
  const found = containersOf(scaler)
  const gaps = distinct(
    wanted.flatMap(({ resource, container }) =>
      found
        .filter((one) => (container === undefined || one.name === container) && !isCounted(one, resource))
        .map((one) => `${one.name} (${resource})`),
    ),
  )
  if (gaps.length === 0) return []
  const path = 'spec.template.spec.containers.resources.requests'
  const where: ObjectRef = {
    kind: target?.kind ?? '',
    ...(object.namespace !== undefined && { namespace: object.namespace }),
    name: target?.name ?? '',
  }
  return [
    {
      object,
      owner,
      reason: 'MissingResourceRequest',
      severity: 'warning',
      confidence: 'high',
      text: `${object.kind} ${fullName(object)} scales on a share of the request, but ${counted(gaps.length, 'container')} of ${where.kind} ${where.name} ${gaps.length === 1 ? 'requests' : 'request'} none: ${listed(gaps)}.`,
      evidence: gaps.map((gap): Evidence => ({ object: where, path, value: `not set for ${gap}` })),
      next: `k8s_get kind=${where.kind} name=${where.name} namespace=${where.namespace}; set the requests with k8s_apply`,
      field: path,
    },
  ]
}

/** Pods know better than the template: a LimitRange may have given them requests. */
function containersOf({ object: { namespace }, target, snapshot }: Scaler): Container[] {
  const kind = scalableKind(target)
  if (!kind || !target?.name) return []
  const pod = snapshot.podsOf({ kind, name: target.name, ...(namespace !== undefined && { namespace }) })[0]
  if (pod) return pod.spec?.containers ?? []
  if (kind === 'ReplicaSet') return []
  return snapshot.find(kind, namespace, target.name)?.spec?.template?.spec?.containers ?? []
}

// A limit without a request is the request too.
const isCounted = ({ resources }: Container, resource: string): boolean =>
  resources?.requests?.[resource] !== undefined || resources?.limits?.[resource] !== undefined

import { nearest } from '../../../../text/nearest.ts'
import type { Analyzer, Evidence, Finding, ObjectRef } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { PodSpec } from '../../kinds/pod-spec.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { affectedBy, isWell } from '../affected.ts'
import { isNew } from '../age.ts'
import { merged } from '../merge.ts'
import { counted, distinct, fullName, listed } from '../phrases.ts'
import { type Denial, denialsOf, refusedBy } from '../policy/denials.ts'
import { templateKinds, templatesOf } from '../templates.ts'
import { availabilityKinds, availabilityOf, hasGivenUp, isDown } from './availability.ts'
import { isComplete, isFailed } from './job.ts'
import { type Need, neededKinds, needsOf } from './needs.ts'

type Pod = ObjectOf<'Pod'>

/** A workload, or a pod without one that has a template, with the spec that names what it needs. */
interface Subject {
  object: ObjectRef
  owner: ObjectRef
  /** Where the spec stands in the object. */
  path: 'spec' | 'spec.template.spec' | 'spec.jobTemplate.spec.template.spec'
  spec: PodSpec
  pods: Pod[]
}

/** What pods and the templates of pods name, and what does not exist. */
export const references: Analyzer = {
  name: 'Reference',
  finds: 'secrets, config maps and keys, service accounts, claims and classes that are named and do not exist',
  core: true,
  reads: [...neededKinds, 'Pod', 'Event', ...templateKinds, ...availabilityKinds],
  inspect(snapshot) {
    const denials = denialsOf(snapshot)
    return merged(subjectsOf(snapshot).flatMap((subject) => missingOf(subject, denials, snapshot)))
  },
}

function subjectsOf(snapshot: Snapshot): Subject[] {
  return [...templates(snapshot), ...otherPods(snapshot)]
}

function templates(snapshot: Snapshot): Subject[] {
  return templatesOf(snapshot).flatMap(({ workload, spec }) => {
    const found = snapshot.find(workload.kind as (typeof templateKinds)[number], workload.namespace, workload.name)
    if (!spec || !found || found.metadata.deletionTimestamp || isNew(found.metadata, snapshot)) return []
    if (workload.kind === 'Job' && isOver(snapshot.find('Job', workload.namespace, workload.name))) return []
    const path = workload.kind === 'CronJob' ? 'spec.jobTemplate.spec.template.spec' : 'spec.template.spec'
    const owner = snapshot.ownerOf(workload.kind, found.metadata)
    return [{ object: workload, owner, path, spec, pods: snapshot.podsOf(workload) } satisfies Subject]
  })
}

const isOver = (job: ObjectOf<'Job'> | undefined): boolean => job !== undefined && (isComplete(job) || isFailed(job))

/** Pods of nobody, or of a kind whose template is not known here. */
function otherPods(snapshot: Snapshot): Subject[] {
  return snapshot.list('Pod').flatMap((pod) => {
    const { metadata, spec, status } = pod
    const owner = snapshot.ownerOf('Pod', metadata)
    const hasTemplate = templateKinds.some(
      (kind) => kind === owner.kind && snapshot.find(kind, owner.namespace, owner.name),
    )
    if (!spec || hasTemplate || metadata.deletionTimestamp || isNew(metadata, snapshot)) return []
    if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return []
    return [{ object: refOf('Pod', metadata), owner, path: 'spec', spec, pods: [pod] } satisfies Subject]
  })
}

function missingOf(subject: Subject, denials: Denial[], snapshot: Snapshot): Finding[] {
  const missing = needsOf(subject.spec).filter((need) => isMissing(need, subject.object.namespace, snapshot))
  const groups = Map.groupBy(missing, (need) => reasonOf(need, subject, snapshot))
  return [...groups].map(([reason, needs]) => findingOf(reason, needs, subject, denials, snapshot))
}

const isNamespaced = (kind: Need['kind']): boolean => kind !== 'PriorityClass' && kind !== 'RuntimeClass'

function isMissing({ kind, name, key }: Need, namespace: string | undefined, snapshot: Snapshot): boolean {
  const where = isNamespaced(kind) ? namespace : undefined
  if (!snapshot.isKnown(kind, where)) return false
  if (!snapshot.find(kind, where, name)) return true
  return key !== undefined && kind === 'ConfigMap' && !snapshot.find(kind, where, name)?.keys.includes(key)
}

function reasonOf({ kind, name, isPullSecret }: Need, { object }: Subject, snapshot: Snapshot): string {
  if (isPullSecret) return 'MissingImagePullSecret'
  if (kind === 'ConfigMap' && snapshot.find(kind, object.namespace, name)) return 'MissingConfigMapKey'
  return `Missing${kind}`
}

function findingOf(reason: string, needs: Need[], subject: Subject, denials: Denial[], snapshot: Snapshot): Finding {
  const { object, owner, path, pods } = subject
  const waiting = pods.filter((pod) => !isWell(pod) && needs.some((need) => waitsFor(need, pod, snapshot)))
  const denied = denials.filter(
    (denial) => isSame(denial.owner, owner) && needs.some(({ name }) => mentions(denial.message, name)),
  )
  const isFelt = waiting.length > 0 || denied.length > 0
  const names = distinct(needs.map(({ name, key }) => (reason === 'MissingConfigMapKey' ? `${key} of ${name}` : name)))
  const what = reason === 'MissingConfigMapKey' ? 'ConfigMap key' : needs[0]!.kind
  const since = waiting.flatMap(({ metadata }) => metadata.creationTimestamp ?? []).sort()[0]
  return {
    object,
    owner,
    reason,
    severity: isFelt ? severityOf(owner, snapshot) : 'info',
    confidence: 'high',
    text: `${object.kind} ${fullName(object)} names ${names.length > 1 ? plural(what) : what} ${listed(names)}, which ${names.length > 1 ? 'do' : 'does'} not exist${waiting.length > 0 ? `; ${counted(waiting.length, 'pod')} ${waiting.length > 1 ? 'wait' : 'waits'} for ${names.length > 1 ? 'them' : 'it'}` : ''}.`,
    ...(since !== undefined && { since }),
    evidence: [
      ...needs.slice(0, 5).map((need) => ({ object, path: `${path}.${need.path}`, value: nameOf(need) })),
      ...waiting.slice(0, 1).flatMap((pod) => waitingEvidence(pod, needs, snapshot)),
      ...denied.slice(0, 1).map(({ evidence }) => evidence),
      ...alternatives(needs[0]!, object.namespace, snapshot),
    ],
    next: nextOf(needs[0]!, object.namespace),
    ...(isFelt && { affects: [...affectedBy(waiting, snapshot), ...refusedBy(denied, snapshot)] }),
    field: path,
  }
}

const plural = (noun: string): string => (noun.endsWith('s') ? `${noun}es` : `${noun}s`)

/** A workload that is only starting has no users yet; one whose rollout was given up has. */
const severityOf = (owner: ObjectRef, snapshot: Snapshot): Finding['severity'] =>
  hasGivenUp(owner, snapshot) && isDown(availabilityOf(owner, snapshot)) ? 'critical' : 'warning'

const nameOf = ({ kind, name, key }: Need): string => `${kind}/${name}${key === undefined ? '' : ` key ${key}`}`

const isSame = (a: ObjectRef, b: ObjectRef): boolean =>
  a.kind === b.kind && a.namespace === b.namespace && a.name === b.name

const waitsFor = (need: Need, pod: Pod, snapshot: Snapshot): boolean => complaintsOf(pod, need, snapshot).length > 0

/** Where a pod says that this is what it waits for. */
function complaintsOf(pod: Pod, need: Need, snapshot: Snapshot): Evidence[] {
  const { metadata, status } = pod
  const object = refOf('Pod', metadata)
  const lists = ['initContainerStatuses', 'containerStatuses'] as const
  const waits = lists.flatMap((list) =>
    (status?.[list] ?? []).flatMap(({ name, state }) => {
      const { reason, message } = state?.waiting ?? {}
      const isPull = need.isPullSecret && reason !== undefined && pullFailures.includes(reason)
      if (!isPull && !mentions(message, need.name)) return []
      return [
        { object, path: `status.${list}[${name}].state.waiting`, value: [reason, message].filter(Boolean).join(': ') },
      ]
    }),
  )
  const conditions = (status?.conditions ?? [])
    .filter(({ status: value, message }) => value === 'False' && mentions(message, need.name))
    .map(({ type, message }) => ({ object, path: `status.conditions[${type}].message`, value: message ?? '' }))
  const event = snapshot
    .eventsOf('Pod', metadata)
    .find(({ type, message }) => type === 'Warning' && mentions(message, need.name))
  const events = event ? [{ object, path: `event/${event.reason}`, value: event.message ?? '' }] : []
  if (waits.length + conditions.length > 0) return [...waits, ...conditions, ...events]
  return need.isPullSecret || hasStarted(pod) ? [] : events
}

const pullFailures = ['ImagePullBackOff', 'ErrImagePull']

/** Events of a start that has succeeded since do not count. */
const hasStarted = ({ status }: Pod): boolean =>
  (status?.containerStatuses ?? []).some(
    ({ state, lastState }) => state?.running || state?.terminated || lastState?.terminated,
  )

const waitingEvidence = (pod: Pod, needs: Need[], snapshot: Snapshot): Evidence[] =>
  needs.flatMap((need) => complaintsOf(pod, need, snapshot)).slice(0, 2)

/** A name with more letters around it is another name. */
function mentions(message: string | undefined, name: string): boolean {
  const parts = (message ?? '').split(name)
  return parts.some((part, index) => index > 0 && !/[\w-]$/.test(parts[index - 1] ?? '') && !/^[\w-]/.test(part))
}

/** What there is instead: the name may only be misspelt. */
function alternatives({ kind, name }: Need, namespace: string | undefined, snapshot: Snapshot): Evidence[] {
  const names = (snapshot.list(kind) as { metadata: { name: string; namespace?: string | undefined } }[])
    .filter(({ metadata }) => !isNamespaced(kind) || metadata.namespace === namespace)
    .map(({ metadata }) => metadata.name)
    .filter((one) => one !== name)
  const close = distinct([...names.filter((one) => one.includes(name) || name.includes(one)), ...nearest(name, names)])
  if (close.length === 0) return []
  const object = isNamespaced(kind) ? { kind: 'Namespace', name: namespace ?? '' } : { kind, name: close[0]! }
  return [{ object, path: `${plural(kind)} with a similar name`, value: listed(close) }]
}

const nextOf = ({ kind, name }: Need, namespace: string | undefined): string => {
  const where = isNamespaced(kind) ? ` namespace=${namespace}` : ''
  const list = kind === 'Secret' ? `k8s_list_secrets${where}` : `k8s_list kind=${kind}${where}`
  return `${list}; create ${kind} ${name}, or correct the name`
}

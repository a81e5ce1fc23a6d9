import { amountOf } from '../../../kubernetes/quantity.ts'
import type { Analyzer, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { Terminated } from '../../kinds/workloads.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { affectedBy } from '../affected.ts'
import { ageOf, hour } from '../age.ts'
import { counted, distinct, listed } from '../phrases.ts'
import { placeOf, sinceOf, subjectOf } from '../subject.ts'
import { beginningOf, type Denial, denialKinds, denialsOf, refusedBy, refusedNames } from './denials.ts'

type Range = ObjectOf<'LimitRange'>
type Pod = ObjectOf<'Pod'>
type Bound = 'min' | 'max' | 'maxLimitRequestRatio'

export const limitRange: Analyzer = {
  name: 'LimitRange',
  finds: 'limits that keep pods from being made, or get them OOMKilled',
  core: true,
  reads: ['LimitRange', ...denialKinds],
  inspect(snapshot) {
    const denials = denialsOf(snapshot)
    return snapshot
      .list('LimitRange')
      .flatMap((range) => [...rejecting(range, denials, snapshot), ...starving(range, snapshot)])
  },
}

function rejecting(range: Range, all: Denial[], snapshot: Snapshot): Finding[] {
  const denials = all.filter((denial) => isBy(range, denial))
  if (denials.length === 0) return []
  const { who, title, shows, get } = subjectOf('LimitRange', range.metadata, snapshot)
  const violations = distinct(denials.flatMap(({ message }) => violationsIn(message).map(({ words }) => words)))
  return [
    {
      ...who,
      reason: 'LimitRangeRejects',
      severity: 'warning',
      confidence: 'high',
      text: `${title} does not let ${listed(refusedNames(denials))} make pods: ${listed(violations)}.`,
      ...sinceOf(beginningOf(denials)),
      evidence: [
        ...denials.slice(0, 2).map(({ evidence }) => evidence),
        ...denials.flatMap(({ message }) => limitsBehind(range, message)).map(({ path, value }) => shows(path, value)),
      ].slice(0, 4),
      next: get,
      affects: refusedBy(denials, snapshot),
      field: 'spec.limits',
    },
  ]
}

interface Violation {
  bound: Bound
  resource: string
  type: string
  /** The limit that admission names. */
  amount: string
  words: string
}

const bounds: Record<string, Bound> = { maximum: 'max', minimum: 'min' }

/** Reads `maximum memory usage per Container is 512Mi, but limit is 1Gi` and `cpu max limit to request ratio per Pod is 2, but …`. */
function violationsIn(message: string): Violation[] {
  const usages = [
    ...message.matchAll(/(maximum|minimum) (\S+) usage per (\w+) is ([^\s,\]]+?)(?:,|\.(?=\s)| )[^,\]]*/g),
  ].map(([words, word = '', resource = '', type = '', amount = '']) => ({
    bound: bounds[word] ?? 'max',
    resource,
    type,
    amount,
    words: words.trim().replace(/\.$/, ''),
  }))
  const ratios = [...message.matchAll(/(\S+) max limit to request ratio per (\w+) is ([^\s,\]]+), but [^,\]]*/g)].map(
    ([words, resource = '', type = '', amount = '']) => ({
      bound: 'maxLimitRequestRatio' as const,
      resource: resource.replace(/^\[/, ''),
      type,
      amount,
      words: words.replace(/^\[/, ''),
    }),
  )
  return [...usages, ...ratios]
}

const isBy = (range: Range, { controller, message }: Denial): boolean =>
  controller.namespace === range.metadata.namespace && limitsBehind(range, message).length > 0

/** The limits of this range that a refusal speaks of. */
const limitsBehind = ({ spec }: Range, message: string): { path: string; value: string }[] =>
  violationsIn(message).flatMap(({ bound, resource, type, amount }) =>
    (spec?.limits ?? []).flatMap((limit, index) => {
      const value = limit.type === type ? limit[bound]?.[resource] : undefined
      return value !== undefined && isSame(value, amount)
        ? [{ path: `spec.limits[${index}].${bound}.${resource}`, value }]
        : []
    }),
  )

const isSame = (a: string, b: string): boolean => a === b || (amountOf(a) !== undefined && amountOf(a) === amountOf(b))

/** Containers that set no limit got one from here, and it is too small for them. */
function starving(range: Range, snapshot: Snapshot): Finding[] {
  const { metadata, spec } = range
  const limit = spec?.limits?.find(({ type, default: given }) => type === 'Container' && given?.memory)?.default?.memory
  if (!limit) return []
  const victims = snapshot
    .list('Pod')
    .filter(
      (pod) => pod.metadata.namespace === metadata.namespace && killedByDefault(pod, limit, snapshot) !== undefined,
    )
  const [first] = victims
  if (!first) return []
  const { who, title, shows } = subjectOf('LimitRange', metadata, snapshot)
  const owners = distinct(
    victims.map((pod) => snapshot.ownerOf('Pod', pod.metadata)).map((owner) => `${owner.kind} ${owner.name}`),
  )
  return [
    {
      ...who,
      reason: 'DefaultLimitKills',
      severity: 'warning',
      confidence: 'high',
      text: `${title} gives containers without a memory limit ${limit}, and ${counted(victims.length, 'pod')} of ${listed(owners)} were OOMKilled at it.`,
      evidence: [
        shows('spec.limits.default.memory', limit),
        ...victims.slice(0, 3).map((pod) => ({
          object: refOf('Pod', pod.metadata),
          path: `status.containerStatuses[${killedByDefault(pod, limit, snapshot)}].lastState.terminated.reason`,
          value: 'OOMKilled',
        })),
      ],
      next: `k8s_get_pod ${placeOf(first.metadata)}`,
      affects: affectedBy(victims, snapshot),
      field: 'spec.limits.default',
    },
  ]
}

/** The container that was killed of late at a limit which admission put there: its annotation names what it added. */
function killedByDefault({ metadata, spec, status }: Pod, limit: string, snapshot: Snapshot): string | undefined {
  const added = metadata.annotations?.['kubernetes.io/limit-ranger'] ?? ''
  const limitOf = (name: string) => spec?.containers?.find((container) => container.name === name)?.resources?.limits
  return status?.containerStatuses?.find(
    ({ name, state, lastState }) =>
      [state?.terminated, lastState?.terminated].some((end) => end && wasKilled(end, snapshot)) &&
      hasDefault(added, name) &&
      isSame(limitOf(name)?.memory ?? '', limit),
  )?.name
}

const wasKilled = ({ reason, finishedAt }: Terminated, snapshot: Snapshot): boolean =>
  reason === 'OOMKilled' && (ageOf(finishedAt, snapshot) ?? 0) <= hour

/** `LimitRanger plugin set: cpu, memory request for container api; memory limit for container api`. */
const hasDefault = (added: string, container: string): boolean =>
  added.split(';').some((part) => /\bmemory\b.* limit for container (\S+)\s*$/.exec(part)?.[1] === container)

import { amountOf } from '../../../kubernetes/quantity.ts'
import type { Analyzer, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { Snapshot } from '../../snapshot.ts'
import { distinct, listed } from '../phrases.ts'
import { type Subject, sinceOf, subjectOf } from '../subject.ts'
import { beginningOf, type Denial, denialKinds, denialsOf, refusedBy, refusedNames } from './denials.ts'

type Quota = ObjectOf<'ResourceQuota'>

const nearlyUsed = 0.9

export const resourceQuota: Analyzer = {
  name: 'ResourceQuota',
  finds: 'quotas that keep pods from being made, and those that are nearly used up',
  core: true,
  reads: ['ResourceQuota', ...denialKinds],
  inspect(snapshot) {
    const denials = denialsOf(snapshot)
    return snapshot.list('ResourceQuota').flatMap((quota) => {
      const subject = subjectOf('ResourceQuota', quota.metadata, snapshot)
      const exceeding = denials.filter((denial) => isBy('exceeded', quota, denial))
      const silent = denials.filter((denial) => isBy('failed', quota, denial))
      return [
        ...(exceeding.length > 0 ? [exceeded(quota, exceeding, subject, snapshot)] : nearlyExhausted(quota, subject)),
        ...(silent.length > 0 ? [unspecified(silent, subject, snapshot)] : []),
      ]
    })
  },
}

/** Admission says `exceeded quota: name, …` when there is too little left, `failed quota: name: must specify …` when a pod is silent. */
const isBy = (verb: 'exceeded' | 'failed', { metadata }: Quota, { controller, message }: Denial): boolean =>
  controller.namespace === metadata.namespace &&
  [...message.matchAll(/(exceeded|failed) quota: ([^,:\s]+)/g)].some(
    ([, said, name]) => said === verb && name === metadata.name,
  )

function exceeded(quota: Quota, denials: Denial[], { who, title, shows, get }: Subject, snapshot: Snapshot): Finding {
  const wanted = new Map(denials.flatMap(({ message }) => requestedIn(message)))
  const short = usageOf(quota).filter(({ resource }) => wanted.has(resource))
  const amounts = short.map(
    ({ resource, used, hard }) => `${resource} has ${used} of ${hard} used and ${wanted.get(resource)} more wanted`,
  )
  return {
    ...who,
    reason: 'QuotaExceeded',
    severity: 'warning',
    confidence: 'high',
    text: `${title} does not let ${listed(refusedNames(denials))} make more pods${amounts.length > 0 ? `: ${listed(amounts)}` : ''}.`,
    ...sinceOf(beginningOf(denials)),
    evidence: [
      ...short.map(({ resource, used, hard }) => shows(`status.used[${resource}]`, `${used} of ${hard}`)),
      ...denials.slice(0, 3).map(({ evidence }) => evidence),
    ],
    next: get,
    affects: refusedBy(denials, snapshot),
    field: 'spec.hard',
  }
}

/** From `…, requested: requests.cpu=400m,pods=1, used: …`. */
function requestedIn(message: string): [resource: string, amount: string][] {
  const requested = /requested: (.*?)(?:, used: |$)/.exec(message)?.[1] ?? ''
  return [...requested.matchAll(/([^\s,=]+)=([^\s,]+)/g)].map(([, resource = '', amount = '']) => [resource, amount])
}

function unspecified(denials: Denial[], { who, title, get }: Subject, snapshot: Snapshot): Finding {
  const needed = distinct(denials.flatMap(({ message }) => valuesIn(message)))
  return {
    ...who,
    reason: 'QuotaNeedsValues',
    severity: 'warning',
    confidence: 'high',
    text: `${title} does not let ${listed(refusedNames(denials))} make pods that do not specify ${listed(needed) || 'what it limits'}.`,
    ...sinceOf(beginningOf(denials)),
    evidence: denials.slice(0, 3).map(({ evidence }) => evidence),
    next: get,
    affects: refusedBy(denials, snapshot),
    field: 'spec.hard',
  }
}

/** From `failed quota: name: must specify limits.cpu for: api; limits.memory for: api,proxy`. */
const valuesIn = (message: string): string[] =>
  [...(message.split('must specify ')[1] ?? '').matchAll(/([\w./-]+) for: /g)].map(([, value = '']) => value)

function nearlyExhausted(quota: Quota, { who, title, shows, get }: Subject): Finding[] {
  const full = usageOf(quota).filter(({ share }) => share >= nearlyUsed)
  if (full.length === 0) return []
  return [
    {
      ...who,
      reason: 'QuotaNearlyExhausted',
      severity: 'info',
      confidence: 'high',
      text: `${title} is used up or nearly so: ${listed(full.map(({ resource, used, hard }) => `${resource} ${used} of ${hard}`))}.`,
      evidence: full.map(({ resource, used, hard }) => shows(`status.used[${resource}]`, `${used} of ${hard}`)),
      next: get,
      field: 'spec.hard',
    },
  ]
}

interface Usage {
  resource: string
  used: string
  hard: string
  share: number
}

/** A limit of 0 forbids a resource: that does not run out. */
function usageOf({ status }: Quota): Usage[] {
  return Object.entries(status?.hard ?? {}).flatMap(([resource, hard]) => {
    const used = status?.used?.[resource] ?? '0'
    const most = amountOf(hard) ?? 0
    return most > 0 ? [{ resource, used, hard, share: (amountOf(used) ?? 0) / most }] : []
  })
}

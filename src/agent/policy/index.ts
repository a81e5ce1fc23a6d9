import type { Effect, Target } from '../../tools/tool.ts'
import type { Approval, UserId } from '../approval.ts'
import type { Refused } from '../reasons.ts'

export type Mode = 'observe' | 'approve' | 'auto'

/** `run` at once, `ask` this many people, or `refuse`. */
export type Ruling = { kind: 'run' } | { kind: 'ask'; needed: number } | { kind: 'refuse'; why: Refused }

/** What mode `auto` may do without asking. `*` stands for any; patterns are otherwise exact. */
export interface AutoRule {
  tool: string
  namespace: string
  name: string
}

export interface Policy {
  mode: Mode
  protectedNamespaces: string[]
  auto: AutoRule[]
  /** Nobody on it: nobody may decide. */
  approvers: UserId[]
  /** How many people a `destroy` needs. */
  destroyQuorum: number
  /** Whether nobody who asked for a `destroy` can be the one who approves it. */
  destroyNeedsOther: boolean
}

/** A call that is judged. */
export interface Judged {
  tool: string
  effect: Effect
  target: Target
  askers: Approval['askers']
  /** What it is about was written by somebody who may not write there. */
  readOnly: boolean
}

/** What happens with a call. The only place that decides it; asked anew before the call starts. */
export function rule(policy: Policy, call: Judged): Ruling {
  if (call.effect === 'read') return { kind: 'run' }
  if (call.readOnly) return refuse({ kind: 'read-only' })
  if (policy.mode === 'observe') return refuse({ kind: 'observe' })
  const namespace = call.target.namespace
  if (namespace !== undefined && policy.protectedNamespaces.includes(namespace))
    return refuse({ kind: 'protected', namespace })
  if (
    policy.mode === 'auto' &&
    call.effect === 'change' &&
    policy.auto.some((allowed) => covers(allowed, call.tool, call.target))
  ) {
    return { kind: 'run' }
  }
  if (policy.approvers.length === 0) return refuse({ kind: 'no-approvers' })
  const needed = call.effect === 'destroy' ? policy.destroyQuorum : 1
  const able = deciders(call, policy).length
  return able >= needed ? { kind: 'ask', needed } : refuse({ kind: 'too-few', needed, able })
}

/** Whether this person's mark counts, and if not, why. */
export function mayDecide(
  policy: Policy,
  approval: Pick<Approval, 'effect' | 'askers'>,
  person: UserId,
  mark: 'approve' | 'deny',
): { may: true } | { may: false; why: 'not-an-approver' | 'needs-another' } {
  const asked = approval.askers.includes(person)
  // An asker may always call off what is done in their name.
  if (mark === 'deny' && asked) return { may: true }
  if (!policy.approvers.includes(person)) return { may: false, why: 'not-an-approver' }
  if (mark === 'approve' && approval.effect === 'destroy' && policy.destroyNeedsOther && asked) {
    return { may: false, why: 'needs-another' }
  }
  return { may: true }
}

/** Everybody whose approval would count. */
export const deciders = (approval: Pick<Approval, 'effect' | 'askers'>, policy: Policy): UserId[] =>
  policy.approvers.filter((person) => mayDecide(policy, approval, person, 'approve').may)

const covers = (allowed: AutoRule, tool: string, target: Target): boolean =>
  matches(allowed.tool, tool) &&
  matches(allowed.namespace, target.namespace ?? '') &&
  matches(allowed.name, target.name)

const matches = (pattern: string, value: string): boolean => pattern === '*' || pattern === value

const refuse = (why: Refused): Ruling => ({ kind: 'refuse', why })

import type { Effect, Target } from '../../tools/tool.ts'
import type { Approval, UserId } from '../approval.ts'

export type Mode = 'observe' | 'approve' | 'auto'

/** `run` at once, `ask` this many people, or `refuse` with a sentence for the model. */
export type Ruling = { kind: 'run' } | { kind: 'ask'; needed: number } | { kind: 'refuse'; reason: string }

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

/** What happens with a call that these people asked for. The only place that decides it. */
export function rule(
  policy: Policy,
  call: { tool: string; effect: Effect; target?: Target; askers: Approval['askers'] },
): Ruling {
  if (call.effect === 'read') return { kind: 'run' }
  if (policy.mode === 'observe') {
    return refuse('This bot runs in observe mode and changes nothing. Say what a person should do instead.')
  }
  if (!call.target) return refuse(`${call.tool} does not say what it would change.`)
  const namespace = call.target.namespace
  if (namespace !== undefined && policy.protectedNamespaces.includes(namespace)) {
    return refuse(`Namespace ${namespace} is protected: nothing is changed there. A person has to do it by hand.`)
  }
  if (
    policy.mode === 'auto' &&
    call.effect === 'change' &&
    policy.auto.some((allowed) => covers(allowed, call.tool, call.target))
  ) {
    return { kind: 'run' }
  }
  if (policy.approvers.length === 0) {
    return refuse('Nobody may approve changes (KUBE_AGENT_APPROVERS is empty). Say what a person should do instead.')
  }
  const needed = call.effect === 'destroy' ? policy.destroyQuorum : 1
  const able = deciders(call, policy)
  if (able.length >= needed) return { kind: 'ask', needed }
  return refuse(
    `This needs the approval of ${needed} who did not ask for it, and there ${able.length === 1 ? 'is' : 'are'} only ${able.length}. Say what a person should do instead.`,
  )
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

const covers = (allowed: AutoRule, tool: string, target: Target | undefined): boolean =>
  matches(allowed.tool, tool) &&
  matches(allowed.namespace, target?.namespace ?? '') &&
  matches(allowed.name, target?.name ?? '')

const matches = (pattern: string, value: string): boolean => pattern === '*' || pattern === value

const refuse = (reason: string): Ruling => ({ kind: 'refuse', reason })

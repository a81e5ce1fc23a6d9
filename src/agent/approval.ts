import { createHash } from 'node:crypto'
import type { ModelText } from '../text/outside.ts'
import type { Effect, Preview, Target, Tool } from '../tools/tool.ts'
import type { Reason } from './reasons.ts'
import type { ToolCall } from './session.ts'

/** Short enough to type on a phone: six lower-case letters and digits. */
export type ApprovalId = string & { readonly brand: 'ApprovalId' }
export type UserId = string & { readonly brand: 'UserId' }

/** One person's word. `id` is the mark's id in the chat, or the message's for `!approve`. */
export interface PersonsVote {
  id: string
  by: UserId
  mark: 'approve' | 'deny'
}

/** A stored call that waits for people. It is bound to this very call, these arguments and this literal request. */
export interface Approval {
  id: ApprovalId
  call: ToolCall
  /** SHA-256 over tool, canonical arguments and the literal request; checked again before the start. */
  hash: string
  effect: Effect
  summary: string
  target: Target
  preview: Preview
  /** Everybody in whose name it is asked for: who began the request and who joined it. */
  askers: (UserId | 'signal')[]
  /** How many different people must approve. */
  needed: number
  createdAt: number
  expiresAt: number
  votes: PersonsVote[]
  state: ApprovalState
  /** How far audit and metrics know of it: see `transitionsOf`. */
  told: Stage | 'nothing'
}

export type ApprovalState =
  | { kind: 'open' }
  | { kind: 'approved'; by: (UserId | 'policy')[] }
  | { kind: 'denied'; by: UserId; reason?: string }
  | { kind: 'expired' }
  | { kind: 'withdrawn'; why: Reason }
  | { kind: 'used'; by: (UserId | 'policy')[]; startedAt: number }
  /** We were interrupted while it ran: it may or may not have happened, and is not run again. */
  | { kind: 'lost'; by: (UserId | 'policy')[]; startedAt: number }
  | { kind: 'ended'; by: (UserId | 'policy')[]; startedAt: number; ok: boolean; result: ModelText }

/** A state as it is told outside: `reopened` when an approval was taken back, `failed` when it ran and did not succeed. */
export type Stage =
  | 'open'
  | 'reopened'
  | 'approved'
  | 'denied'
  | 'expired'
  | 'withdrawn'
  | 'started'
  | 'lost'
  | 'ended'
  | 'failed'

/** What became of a vote. `counted`: it stands, more are needed. `decided`: the state changed. */
export type Verdict = { kind: 'counted' } | { kind: 'decided' } | { kind: 'ignored' } | { kind: 'too-late' }

export function openApproval(
  call: ToolCall,
  tool: Tool,
  input: Record<string, unknown>,
  preview: Preview,
  details: Pick<Approval, 'effect' | 'target' | 'askers' | 'needed' | 'createdAt' | 'expiresAt'> & { thread: string },
): Approval {
  const { thread, ...rest } = details
  return {
    id: approvalId(thread, call.id),
    call,
    hash: hashOf(call, preview),
    summary: tool.summary(input),
    preview,
    votes: [],
    state: { kind: 'open' },
    told: 'nothing',
    ...rest,
  }
}

/**
 * Counts an entitled person's vote. A denial ends it at once, as long as the call has not started; an approval counts once a
 * person. The caller has checked that the person may decide (`mayDecide` in policy.ts) and that the prompt was ours.
 */
export function vote(approval: Approval, given: PersonsVote, now: number, reason?: string): Verdict {
  expire(approval, now)
  if (!isUndone(approval)) return { kind: 'too-late' }
  if (approval.votes.some((known) => known.id === given.id)) return { kind: 'ignored' }

  if (given.mark === 'deny') {
    approval.votes.push(given)
    approval.state = { kind: 'denied', by: given.by, ...(reason && { reason }) }
    return { kind: 'decided' }
  }
  if (approval.votes.some((known) => known.by === given.by && known.mark === 'approve')) return { kind: 'ignored' }

  approval.votes.push(given)
  return tally(approval)
}

/** Takes a person's approval back, as long as the call has not started. */
export function withdrawVote(approval: Approval, by: UserId, mark: 'approve' | 'deny'): Verdict {
  const index = approval.votes.findIndex((known) => known.by === by && known.mark === mark)
  if (index < 0) return { kind: 'ignored' }
  if (mark === 'deny' || !isUndone(approval)) return { kind: 'too-late' }

  approval.votes.splice(index, 1)
  return tally(approval)
}

/** Whether people's marks can still change what becomes of it. */
const isUndone = ({ state }: Approval): boolean => state.kind === 'open' || state.kind === 'approved'

/** Brings the state in line with the approvals that stand now. What the allow-list approved needs nobody's. */
function tally(approval: Approval): Verdict {
  const { state, votes, needed } = approval
  if (state.kind === 'approved' && state.by.includes('policy')) return { kind: 'counted' }
  const by = votes.filter((known) => known.mark === 'approve').map((known) => known.by)
  approval.state = by.length >= needed ? { kind: 'approved', by } : { kind: 'open' }
  return { kind: approval.state.kind === state.kind ? 'counted' : 'decided' }
}

/** Closes an approval whose time is over. Says whether it did. */
export function expire(approval: Approval, now: number): boolean {
  if (approval.state.kind !== 'open' || now < approval.expiresAt) return false
  approval.state = { kind: 'expired' }
  return true
}

/** Whether the stored call is still the one that was shown. */
export function isIntact(approval: Approval): boolean {
  try {
    return approval.hash === hashOf(approval.call, approval.preview)
  } catch {
    return false
  }
}

function hashOf(call: ToolCall, preview: Preview): string {
  return sha256(
    JSON.stringify([call.function.name, canonical(call.function.arguments), preview.request, preview.version]),
  )
}

/** The same arguments in another order or spacing are the same arguments. */
export function canonical(json: string): string {
  return JSON.stringify(sorted(JSON.parse(json || '{}')))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  )
}

const approvalId = (thread: string, call: string): ApprovalId =>
  BigInt(`0x${sha256(`${thread} ${call}`).slice(0, 16)}`)
    .toString(36)
    .padStart(6, '0')
    .slice(-6) as ApprovalId

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

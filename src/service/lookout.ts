import { setTimeout as pause } from 'node:timers/promises'
import type { SignalDeps } from '../bot/signals/deps.ts'
import type { Logger } from '../log.ts'
import { type ForgeSignal, type Repository, signalJob } from '../signal.ts'
import type { Namespace } from '../storage/index.ts'
import { isForgeAway } from '../tools/gitea/ci/index.ts'
import { missedPush, missedRuns, missedStatuses, readHeads, type Seen } from '../tools/gitea/ci/missed.ts'
import { repositoryById } from '../tools/gitea/ci/result.ts'
import type { Gitea } from '../tools/gitea/client.ts'

export interface Lookout {
  /** Remembers how far a repository was heard of. */
  onSeen(signal: ForgeSignal): Promise<void>
  /** Looks now and every few minutes for what no webhook told of, until `stopping`. */
  start(): void
}

export interface LookoutOptions {
  gitea: Gitea | undefined
  seen: Namespace<Seen>
  /** Whether pushes to the branch are told of. */
  wants(branch: string, repository: Repository): boolean
  inbox: SignalDeps['inbox']
  /** 0: never. */
  everyMs: number
  /** How long a delivery may take that Gitea has begun. */
  settleMs?: number
  stopping: AbortSignal
  log: Logger
}

/**
 * Gitea sends each event once, and only while we listen. What was missed is found by asking every repository that ever sent something, and goes
 * into the inbox under the ids that its deliveries would have had.
 */
export function createLookout(options: LookoutOptions): Lookout {
  const { gitea, seen, wants, inbox, everyMs, settleMs = 10_000, stopping, log } = options
  let writing: Promise<unknown> = Promise.resolve()
  let toldForbidden = false

  /** One change of what is kept at a time: deliveries come while we look. */
  function update(repository: Repository, change: (known: Seen) => Seen): Promise<unknown> {
    writing = writing
      .catch(() => {})
      .then(async () => {
        const key = String(repository.id)
        const known = (await seen.get(key)) ?? { repository, heads: {} }
        await seen.set(key, change(known))
      })
    return writing
  }

  async function onSeen(signal: ForgeSignal): Promise<void> {
    const { repository } = signal
    // The forge itself says at the next look whether it is gone.
    if (signal.kind === 'repository' && signal.action === 'deleted') return
    const head = signal.kind === 'push' && wants(signal.branch, repository) ? { [signal.branch]: signal.after } : {}
    const isNew = !(await seen.has(String(repository.id)))
    await update(repository, (known) => ({ ...known, repository, heads: { ...known.heads, ...head } }))
    // What the repository has by now is no news later.
    if (gitea && isNew) await tryToLook(gitea, { repository, heads: head })
  }

  const put = (signal: ForgeSignal): Promise<boolean> => inbox.put(signalJob(signal))

  async function look(forge: Gitea, known: Seen): Promise<void> {
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(120_000)])
    const repository = await repositoryById(forge, known.repository.id, signal)
    if (!repository) {
      await seen.delete(String(known.repository.id))
      return
    }
    const current = { ...known, repository }
    const { hints, isForbidden, ...newest } = await missedRuns(forge, current, signal)
    if (isForbidden && !toldForbidden) {
      toldForbidden = true
      log.warn(
        { component: 'signals', resource: repository.fullName },
        'this Gitea lists runs to administrators of a repository alone: CI failures that were missed are not found',
      )
    }
    for (const hint of hints) await put(hint)
    const heads = await readHeads(forge, repository, (branch) => wants(branch, repository), signal)
    await lookAtHeads(forge, current, heads, signal)
    const other = await missedStatuses(forge, current, Object.values(heads), signal)
    for (const hint of other.hints) await put(hint)
    const heard = (now: Seen) => Object.entries(now.heads).filter(([branch, head]) => head !== known.heads[branch])
    await update(repository, (now) => ({
      ...now,
      ...newest,
      repository,
      statuses: other.statuses,
      heads: { ...heads, ...Object.fromEntries(heard(now)) },
    }))
  }

  async function lookAtHeads(
    forge: Gitea,
    { repository, ...before }: Seen,
    heads: Seen['heads'],
    signal: AbortSignal,
  ): Promise<void> {
    const wasLookedAt = before.statuses !== undefined
    const moved = (known: Seen['heads']) =>
      Object.entries(heads).filter(([branch, head]) =>
        known[branch] === undefined ? wasLookedAt : known[branch] !== head,
      )
    if (moved(before.heads).length === 0) return
    // The delivery of what was pushed just now may still be on its way.
    await pause(settleMs, undefined, { signal, ref: false })
    const now = (await seen.get(String(repository.id)))?.heads ?? {}
    // A branch whose head was read as it was before the look has moved on meanwhile: that push was heard of.
    for (const [branch, after] of moved(now).filter(([branch, head]) => before.heads[branch] !== head)) {
      const none = '0'.repeat(after.length)
      const push = await missedPush(forge, repository, { branch, before: before.heads[branch] ?? none, after }, signal)
      if (push) await put(push)
    }
  }

  async function lookAtAll(forge: Gitea): Promise<void> {
    for await (const [, known] of seen.entries()) {
      if (stopping.aborted || !(await tryToLook(forge, known))) return
    }
  }

  /** `false`: the forge is away, so that there is no use in asking for others. */
  async function tryToLook(forge: Gitea, known: Seen): Promise<boolean> {
    try {
      await look(forge, known)
      return true
    } catch (err) {
      const resource = known.repository.fullName
      if (!stopping.aborted) log.warn({ component: 'signals', resource, err }, 'could not look for what was missed')
      return !isForgeAway(err)
    }
  }

  return {
    onSeen,
    start() {
      if (!gitea || everyMs === 0) return
      void (async () => {
        while (!stopping.aborted) {
          await lookAtAll(gitea)
          await pause(everyMs, undefined, { signal: stopping, ref: false }).catch(() => {})
        }
      })()
    },
  }
}

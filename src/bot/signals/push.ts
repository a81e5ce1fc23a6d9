import type { PushSignal } from '../../signal.ts'
import type { CiResult } from '../../tools/gitea/ci/result.ts'
import { shortId } from '../conversation.ts'
import type { RoomId } from '../platform.ts'
import type { Setting } from './ci.ts'
import { collectionOf, isFlood, list } from './collection.ts'
import type { Place, SignalDeps, SignalThread } from './deps.ts'
import { isTooMuch } from './line.ts'
import { lookAgain, nextWaitMs } from './look-again.ts'

/** Finds the thread for a push: that of the last push to the branch if it is recent, else a new one in the repository's room. */
export async function routePush(
  push: PushSignal,
  attempt: number,
  deps: SignalDeps,
  { flood, language }: Setting,
): Promise<void> {
  if (deps.unwanted(push)) return
  const place = deps.placeFor(push.repository)
  if (place === 'later') return lookAgain(push, attempt, nextWaitMs(attempt), deps)
  if (!place) return
  const { room } = place
  const id = `told:${push.id}`
  const now = deps.now()
  const repository = push.repository.id
  const known = await deps.threads.get(pushKey(push.repository, push.branch, room))
  const recent = known && now - known.at < deps.continueMs ? known : undefined
  const line = deps.title(push).split('\n')[0] ?? ''
  if (!recent && isFlood(flood, { room, repository }, now))
    return list(deps, { id, thread: await collectionOf(place, deps, language), room, line })

  const last = recent ?? (await openThread(push, place, deps))
  if (!recent) flood.opened.push({ at: now, room, repository })
  const isMany = isTooMuch(last, now)
  await deps.threads.set(pushKey(push.repository, push.branch, room), {
    ...last,
    at: now,
    last: push,
  })
  const as = last.by === push.id ? 'opened' : 'continued'
  if (isMany) await list(deps, { id, thread: last.thread, room, line })
  else await deps.inbox.put({ id, thread: last.thread, kind: 'push', data: { room, signal: push, as } })
}

/** The last thread about a branch, in a room: a repository that became private has another one. */
export const pushKey = ({ id }: PushSignal['repository'], branch: string, room: RoomId): string =>
  `push:${id}:${branch}:${room}`

async function openThread(push: PushSignal, { room, chat }: Place, deps: SignalDeps): Promise<SignalThread> {
  const { thread } = await chat.open(room, { id: shortId('s', push.id), markdown: deps.title(push) })
  return { thread, at: 0, by: push.id }
}

/** CI has come to an end: what a push is about is looked at now, and not only when its time comes. */
export async function checkAfterCi({ repository, line, commit, key }: CiResult, deps: SignalDeps): Promise<void> {
  const place = deps.placeFor(repository)
  if (line.branch === undefined || !place || place === 'later') return
  const told = await deps.threads.get(pushKey(repository, line.branch, place.room))
  if (told?.last?.after !== commit) return
  const id = `push-check:${told.last.id}:${key}`
  await deps.inbox.put({ id, thread: told.thread, kind: 'push-check', data: { signal: told.last, attempt: 0 } })
}

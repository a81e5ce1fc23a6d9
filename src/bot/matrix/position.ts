import { checkpoint } from '../../checkpoint.ts'
import type { Positions } from '../../storage/index.ts'

/** How far the account's events were taken in, and which of them lately: servers give old ones again. */
export interface Position {
  /** What the last run left. */
  load(): Promise<void>
  /** Nothing before the first answer of the server. */
  since(): string | undefined
  has(event: string): boolean
  /** Position and ids in one write. */
  moveTo(since: string, added: string[]): Promise<void>
  /** The server does not know our position any more. What was seen is remembered. */
  drop(): void
}

interface Stored {
  since: string
  /** The newest events' ids, and how many full blocks were written before. */
  ids: string[]
  blocks: number
}

const blockSize = 250
const blocksKept = 60

export function createPosition(positions: Positions, account: string): Position {
  const key = (name: string) => `matrix:${account}:${name}`
  const slot = (block: number) => key(`seen:${block % blocksKept}`)
  const idsOf = async (block: number) => ((await positions.get(slot(block))) as string[] | undefined) ?? []
  const seen = new Set<string>()
  let stored: Stored | undefined
  let isKnown = false

  async function load(): Promise<void> {
    stored = (await positions.get(key('position'))) as Stored | undefined
    if (!stored) return
    isKnown = true
    for (let block = Math.max(0, stored.blocks - blocksKept); block < stored.blocks; block++)
      for (const id of await idsOf(block)) seen.add(id)
    for (const id of stored.ids) seen.add(id)
  }

  /** Full blocks are written before the position that counts them: after a crash in between they are written again. */
  async function moveTo(since: string, added: string[]): Promise<void> {
    if (isKnown && stored?.since === since && added.length === 0) return
    let blocks = stored?.blocks ?? 0
    let ids = [...(stored?.ids ?? []), ...added]
    const forgotten: string[] = []
    while (ids.length >= blockSize) {
      forgotten.push(...(await idsOf(blocks)))
      await positions.set(slot(blocks), ids.slice(0, blockSize))
      ids = ids.slice(blockSize)
      blocks++
    }
    const next = { since, ids, blocks }
    checkpoint('sync:before-token')
    await positions.set(key('position'), next)
    for (const id of forgotten) seen.delete(id)
    for (const id of [...(stored?.ids ?? []), ...added]) seen.add(id)
    stored = next
    isKnown = true
  }

  return {
    load,
    since: () => (isKnown ? stored?.since : undefined),
    has: (event) => seen.has(event),
    moveTo,
    drop() {
      isKnown = false
    },
  }
}

import { randomBytes } from 'node:crypto'
import type { Positions } from '../../storage/index.ts'
import { secretName } from './ids.ts'

/**
 * What was sent, on disk: the server recognises a post that is sent twice for half a minute only, and not after its restart. An entry
 * is written before the post, and again with its id.
 */
export interface Ledger {
  find(channel: string, root: string, id: string): Promise<string | undefined>
  open(channel: string, root: string, id: string): Promise<Entry>
}

export interface Entry {
  /** Stands in the post; everybody may read it there. */
  marker: string
  /** The server's key for what is sent twice. It holds for all its users, so nobody may foresee it. */
  pending: string
  /** It was begun before, and nobody knows how that ended. */
  isDoubtful: boolean
  post: string | undefined
  sent(post: string): Promise<void>
}

const rememberMs = 7 * 24 * 60 * 60_000

export async function createLedger(positions: Positions, account: string): Promise<Ledger> {
  const secret = await secretOf(positions, account)
  const keyOf = (marker: string) => `mattermost:${account}:sent:${marker}`
  const markerOf = (...parts: string[]) => secretName(secret, 'marker', ...parts)
  const read = async (marker: string) => (await positions.get(keyOf(marker))) as { post?: string } | undefined

  return {
    find: async (...parts) => (await read(markerOf(...parts)))?.post,
    async open(...parts) {
      const marker = markerOf(...parts)
      const known = await read(marker)
      if (!known) await positions.set(keyOf(marker), {}, rememberMs)
      const entry: Entry = {
        marker,
        pending: secretName(secret, 'pending', ...parts),
        isDoubtful: known !== undefined,
        post: known?.post,
        async sent(post) {
          entry.post = post
          await positions.set(keyOf(marker), { post }, rememberMs)
        },
      }
      return entry
    },
  }
}

async function secretOf(positions: Positions, account: string): Promise<string> {
  const key = `mattermost:${account}:secret`
  const known = await positions.get(key)
  if (typeof known === 'string') return known
  const secret = randomBytes(32).toString('hex')
  await positions.set(key, secret)
  return secret
}

import { createRecent } from '../recent.ts'
import type { Client } from './client.ts'
import { patiently } from './patience.ts'
import { Channel } from './wire.ts'

/** What channels are and how many are in them. Kept up by the events. */
export interface Channels {
  learn(channel: Channel): void
  /** Whether there is nobody but us and one other, so that everything said is meant for us. */
  isForTwo(channel: string): Promise<boolean>
  /** Somebody came or left. */
  changed(channel: string): void
}

export function createChannels(client: Client): Channels {
  const types = createRecent<string>(5_000)
  const counts = createRecent<number>(5_000)

  async function typeOf(channel: string): Promise<string> {
    const known = types.get(channel)
    if (known) return known
    const found = Channel.parse(await patiently(client, () => client.rest.getChannel(channel)))
    types.set(channel, found.type)
    return found.type
  }

  async function countOf(channel: string): Promise<number> {
    const known = counts.get(channel)
    if (known) return known
    const stats = await patiently(client, () => client.rest.getChannelStats(channel))
    const count = Number((stats as { member_count?: unknown }).member_count) || 0
    counts.set(channel, count)
    return count
  }

  return {
    learn: ({ id, type }) => types.set(id, type),
    async isForTwo(channel) {
      const type = await typeOf(channel)
      if (type === 'D') return true
      return type !== 'G' && (await countOf(channel)) === 2
    },
    changed: (channel) => counts.set(channel, 0),
  }
}

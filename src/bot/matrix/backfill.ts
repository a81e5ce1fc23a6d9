import { isAway, isLimited } from '../../http/request-error.ts'
import { type Client, isRevoked, MatrixError, path } from './client.ts'
import { every, Page, RoomEvent } from './wire.ts'

/** Events that a limited timeline left out, oldest first; `lost` means that there were more. */
export interface Missed {
  events: RoomEvent[]
  lost: boolean
}

const mostEvents = 1_000

/** Reads what happened in a room between our last position and the beginning of a limited timeline. */
export async function readBack(
  client: Client,
  room: string,
  { from, to }: { from: string | undefined; to: string },
): Promise<Missed> {
  const events: RoomEvent[] = []
  const missed = (lost: boolean): Missed => ({ events: events.reverse(), lost })
  for (let page = from; page; ) {
    const answer = await pageOf(client, room, { from: page, to })
    if (!answer) return missed(true)
    const read = every(RoomEvent, answer.chunk)
    events.push(...read)
    // What was said before we came is not for us.
    if (answer.chunk.length === 0 || !answer.end || read.some(isBeforeUs)) return missed(false)
    if (events.length >= mostEvents) return missed(true)
    page = answer.end
  }
  return missed(false)
}

/** Nothing when the server will never say: a part of its history may have been deleted. */
async function pageOf(client: Client, room: string, { from, to }: { from: string; to: string }) {
  try {
    const query = { dir: 'b', from, to, limit: 100 }
    return Page.parse(await client.call('GET', path('rooms', room, 'messages'), { query }))
  } catch (error) {
    if (!(error instanceof MatrixError) || isAway(error) || isLimited(error) || isRevoked(error)) throw error
    return undefined
  }
}

export const isBeforeUs = ({ unsigned }: RoomEvent): boolean => (unsigned.membership ?? 'join') !== 'join'

/**
 * Without what was said before the account came into the room. Servers that do not tell our membership with each event show at least
 * when we joined.
 */
export function sinceJoin(events: RoomEvent[], account: string): RoomEvent[] {
  const joined = events.findLastIndex(
    ({ type, state_key, content, unsigned }) =>
      type === 'm.room.member' &&
      state_key === account &&
      content.membership === 'join' &&
      unsigned.membership === undefined &&
      unsigned.prev_content?.membership !== 'join',
  )
  return events.filter((event, index) => index >= joined || event.state_key !== undefined)
}

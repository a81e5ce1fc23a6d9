import { type Client, isAbsent, isFinal, type MattermostError } from './client.ts'
import { patiently } from './patience.ts'
import { Channel, Id, type User } from './wire.ts'

/** The channels that the configuration names. */
export interface Rooms {
  /** The channel behind `team/channel` or an id; joined. Throws a sentence that says what to do. */
  resolve(name: string): Promise<string>
}

export function createRooms(client: Client, me: User): Rooms {
  const { rest } = client

  async function find(name: string): Promise<string> {
    const [team, channel] = /^([a-z0-9_-]+)\/~?([a-z0-9._-]+)$/i.exec(name)?.slice(1) ?? []
    const isId = Id.safeParse(name).success
    if (!isId && (!team || !channel))
      throw new Error(`${name} is no Mattermost channel: write team/channel, as they stand in the channel's address.`)
    try {
      const ask = () => (team && channel ? rest.getChannelByNameAndTeamName(team, channel) : rest.getChannel(name))
      return Channel.parse(await patiently(client, ask)).id
    } catch (error) {
      throw sentence(
        error,
        `${me.username} sees no channel ${name}. Check the names of team and channel; ${invitation(me)}`,
      )
    }
  }

  async function join(channel: string, name: string): Promise<void> {
    try {
      await patiently(client, () => rest.getChannelMember(channel, me.id))
    } catch (error) {
      if (!isAbsent(error)) throw error
      await patiently(client, () => rest.addToChannel(me.id, channel)).catch((cause: unknown) => {
        throw sentence(cause, `${me.username} is not in ${name} and cannot join it; ${invitation(me)}`)
      })
    }
  }

  return {
    async resolve(name) {
      const channel = await find(name)
      await join(channel, name)
      return channel
    },
  }
}

const invitation = (me: User): string => `add the bot to the team, then write /invite @${me.username} in the channel.`

/** What the server refuses for good becomes a sentence with the way out. */
const sentence = (error: unknown, words: string): unknown =>
  isFinal(error) ? new Error(`${words} (${(error as MattermostError).code})`, { cause: error }) : error

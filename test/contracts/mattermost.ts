import type { TestContext } from 'node:test'
import type { UserId } from '../../src/agent/approval.ts'
import type { ChatPlatform, Mark, MessageId, RoomId, ThreadId } from '../../src/bot/platform.ts'
import type { Positions } from '../../src/storage/index.ts'
import { createPositions } from '../bot/mattermost/account.ts'
import type { Abilities, Person, Stage } from './scene.ts'

/** Somebody on a server: what a client does. */
export interface MattermostClient {
  id: string
  username: string
  say(channel: string, message: string, root: string): Promise<string>
  edit(post: string, message: string): Promise<void>
  react(post: string, emoji: string): Promise<void>
  unreact(post: string, emoji: string): Promise<void>
}

export interface ShownPost {
  id: string
  message: string
  files: string[]
}

/** A server with people, real or not. */
export interface MattermostSide {
  bot: { id: string; username: string }
  alice: MattermostClient
  bob: MattermostClient
  /** May change and delete what others have posted. */
  admin: { edit(post: string, message: string): Promise<void>; remove(post: string): Promise<void> }
  live(positions: Positions): ChatPlatform
  /** A channel of the team with alice, bob and the bot in it. */
  channel(): Promise<{ id: string; name: string }>
  direct(): Promise<string>
  member(channel: string, user: string, isIn: boolean): Promise<void>
  thread(root: string): Promise<ShownPost[]>
  /** The emoji of one's own under a post. */
  reactions(post: string, user: string): Promise<string[]>
  mentionCount(channel: string, user: string): Promise<number>
  machine(channel: string, message: string): Promise<void>
  wire: Abilities['wire']
  restart: Abilities['restartServer']
  limit(t: TestContext): Promise<void>
  revocable: Abilities['revocable']
}

const names: Record<Mark, string> = { approve: 'white_check_mark', deny: 'x' }

export async function mattermostStage(t: TestContext, side: MattermostSide): Promise<Stage> {
  const { alice, bob, bot } = side
  const call = `@${bot.username}`
  const { id: channel, name } = await side.channel()
  const positions = createPositions()
  const lives: ChatPlatform[] = []
  t.after(async () => {
    side.wire.mend()
    await Promise.all(lives.map((life) => life.close()))
  })

  function live(memory: Positions): ChatPlatform {
    const life = side.live(memory)
    lives.push(life)
    return life
  }

  const person = (client: MattermostClient): Person => ({
    id: userId(client.id),
    name: `@${client.username}`,
    say: async (text, thread) => messageIdIn(channel, await client.say(channel, text, thread ? postOf(thread) : '')),
  })
  const clientOf = (who: Person): MattermostClient => (who.id === userId(bob.id) ? bob : alice)
  const react = (who: Person, message: MessageId, emoji: string) => clientOf(who).react(postOf(message), emoji)
  const unreact = (who: Person, message: MessageId, emoji: string) => clientOf(who).unreact(postOf(message), emoji)

  return {
    live: () => live(positions),
    room: `mattermost|${channel}` as RoomId,
    alice: person(alice),
    call,
    nowhere: `mattermost|${channel}|${'x'.repeat(26)}` as ThreadId,
    sees: async (thread) =>
      (await side.thread(postOf(thread))).map(({ id, message, files }) => ({
        id: messageIdIn(channel, id),
        text: message,
        files,
      })),
    mark: (who, message, mark) => react(who, message, names[mark]),
    can: {
      bob: person(bob),
      addressing: {
        calling: [
          `${call.toUpperCase()} restart`,
          `${call}'s turn`,
          `_${call}_ restart`,
          `[${call}](http://x.test)`,
          `${call}님 재시작`,
        ],
        notCalling: [bot.username, `#${bot.username}`, `x${call}`, `${call}.x restart`, `see http://x.test/${call}`],
      },
      async pair() {
        const pair = await side.direct()
        return {
          room: `mattermost|${pair}` as RoomId,
          say: async (text) => messageIdIn(pair, await alice.say(pair, text, '')),
        }
      },
      naming: { room: name, unknownRoom: name.replace(/\/.*/, '/nowhere'), unknownUser: '@nobody' },
      calls: (who) => side.mentionCount(channel, clientOf(who).id),
      files: true,
      edits: true,
      async offered(message) {
        const own = await side.reactions(postOf(message), bot.id)
        return own.flatMap((emoji) =>
          emoji === 'white_check_mark' ? ['approve' as const] : emoji === 'x' ? ['deny' as const] : [],
        )
      },
      unmark: (who, message, mark) => unreact(who, message, names[mark]),
      spelling: {
        approve: ['white_check_mark'],
        deny: ['x'],
        nothing: [
          '+1',
          'thumbsup',
          '+1_dark_skin_tone',
          'heavy_check_mark',
          'ballot_box_with_check',
          'negative_squared_cross_mark',
          'heavy_multiplication_x',
        ],
        react,
        unreact,
      },
      away: true,
      again: true,
      newborn: () => live(createPositions()),
      edit: (who, message, text) => clientOf(who).edit(postOf(message), text),
      remove: (message) => side.admin.remove(postOf(message)),
      rewrite: (message, text) => side.admin.edit(postOf(message), text),
      machine: (text) => side.machine(channel, text),
      leave: (who) => side.member(channel, clientOf(who).id, false),
      join: (who) => side.member(channel, clientOf(who).id, true),
      expel: () => side.member(channel, bot.id, false),
      readmit: () => side.member(channel, bot.id, true),
      wire: side.wire,
      restartServer: side.restart,
      limit: () => side.limit(t),
      async revocable() {
        const { platform, revoke } = await side.revocable()
        lives.push(platform)
        return { platform, revoke }
      },
      refusal: true,
    },
  }
}

const userId = (id: string): UserId => `mattermost:${id}` as UserId
const messageIdIn = (channel: string, post: string): MessageId => `mattermost|${channel}|${post}` as MessageId
const postOf = (id: MessageId | ThreadId): string => id.slice(id.lastIndexOf('|') + 1)

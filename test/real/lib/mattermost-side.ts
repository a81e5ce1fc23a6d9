import pino from 'pino'
import { createMattermost } from '../../../src/bot/mattermost/index.ts'
import type { Positions } from '../../../src/storage/index.ts'
import { createPositions } from '../../bot/mattermost/account.ts'
import type { MattermostClient, MattermostSide } from '../../contracts/mattermost.ts'
import { MattermostPerson, type MattermostPost } from './mattermost-person.ts'
import { startMattermost } from './servers.ts'
import { createWire } from './wire.ts'

/** Limits for each account: people must not use up what the bot has. */
const limited = {
  MM_RATELIMITSETTINGS_ENABLE: 'true',
  MM_RATELIMITSETTINGS_VARYBYREMOTEADDR: 'false',
  MM_RATELIMITSETTINGS_VARYBYUSER: 'true',
  MM_RATELIMITSETTINGS_PERSEC: '5',
  MM_RATELIMITSETTINGS_MAXBURST: '10',
}

/** A real Mattermost for the contract, with the bot behind a wire. */
export async function openMattermostSide(stack: AsyncDisposableStack): Promise<MattermostSide> {
  const server = stack.use(await startMattermost())
  const { env } = server
  const url = env.MATTERMOST_URL ?? ''
  const wire = stack.use(await createWire(Number(new URL(url).port)))
  const person = (who: string) => new MattermostPerson(url, env[`${who}_ID`] ?? '', env[`${who}_TOKEN`] ?? '')
  const [admin, alice, bob] = [person('ADMIN'), person('ALICE'), person('BOB')]
  const bot = { id: env.BOT_ID ?? '', username: env.BOT_USERNAME ?? '' }
  let channels = 0
  let robot: Promise<MattermostPerson> | undefined

  async function makeRobot(): Promise<MattermostPerson> {
    const { user_id } = await admin.call<{ user_id: string }>('POST', '/bots', { username: 'robot' })
    const made = await admin.call<{ token: string }>('POST', `/users/${user_id}/tokens`, { description: 'robot' })
    await admin.call('POST', `/teams/${env.TEAM_ID}/members`, { team_id: env.TEAM_ID, user_id })
    return new MattermostPerson(url, user_id, made.token)
  }

  const live = (positions: Positions, token = env.BOT_TOKEN ?? '') =>
    createMattermost({ url: wire.url, token, isNamed: () => false, positions, log: pino({ enabled: false }) })

  return {
    bot,
    alice: clientOf(alice, 'alice'),
    bob: clientOf(bob, 'bob'),
    admin: {
      edit: async (post, message) => void (await admin.call('PUT', `/posts/${post}/patch`, { message })),
      remove: async (post) => void (await admin.call('DELETE', `/posts/${post}`)),
    },
    live,
    async channel() {
      const name = `contract-${++channels}`
      const made = { team_id: env.TEAM_ID, name, display_name: name, type: 'P' }
      const { id } = await alice.call<{ id: string }>('POST', '/channels', made)
      for (const user_id of [bob.id, bot.id]) await alice.call('POST', `/channels/${id}/members`, { user_id })
      return { id, name: `${env.TEAM_NAME}/${name}` }
    },
    direct: async () => (await alice.call<{ id: string }>('POST', '/channels/direct', [alice.id, bot.id])).id,
    async member(channel, user, isIn) {
      if (isIn) await alice.call('POST', `/channels/${channel}/members`, { user_id: user })
      else await alice.call('DELETE', `/channels/${channel}/members/${user}`)
    },
    async thread(root) {
      const answer = await alice.call<{ posts: Record<string, MattermostPost> }>('GET', `/posts/${root}/thread`)
      const posts = Object.values(answer.posts).sort((a, b) => a.create_at - b.create_at)
      return Promise.all(
        posts.map(async ({ id, message, file_ids }) => ({
          id,
          message,
          files: await Promise.all((file_ids ?? []).map((file) => alice.download(file))),
        })),
      )
    },
    async reactions(post, user) {
      const all = await alice.call<{ user_id: string; emoji_name: string }[] | null>('GET', `/posts/${post}/reactions`)
      return (all ?? []).filter(({ user_id }) => user_id === user).map(({ emoji_name }) => emoji_name)
    },
    async mentionCount(channel, user) {
      const own = user === bob.id ? bob : alice
      const path = `/channels/${channel}/members/${user}`
      return (await own.call<{ mention_count: number }>('GET', path)).mention_count
    },
    /** A webhook and another bot say it. */
    async machine(channel, text) {
      const other = await (robot ??= makeRobot())
      await alice.call('POST', `/channels/${channel}/members`, { user_id: other.id })
      await other.say(channel, text)
      const { id } = await admin.call<{ id: string }>('POST', '/hooks/incoming', { channel_id: channel })
      const answer = await fetch(`${url}/hooks/${id}`, { method: 'POST', body: JSON.stringify({ text }) })
      if (!answer.ok) throw new Error(`the webhook may not post: ${answer.status} ${await answer.text()}`)
    },
    wire,
    restart: () => server.restart(),
    async limit(t) {
      await server.restart(limited)
      t.after(() => server.restart())
    },
    async revocable() {
      const made = { description: 'contract' }
      const { id, token } = await admin.call<{ id: string; token: string }>('POST', `/users/${bot.id}/tokens`, made)
      return {
        platform: live(createPositions(), token),
        revoke: async () => void (await admin.call('POST', '/users/tokens/revoke', { token_id: id })),
      }
    },
  }
}

const clientOf = (person: MattermostPerson, username: string): MattermostClient => ({
  id: person.id,
  username,
  say: (channel, message, root) => person.say(channel, message, { thread: root }),
  edit: async (post, message) => void (await person.call('PUT', `/posts/${post}/patch`, { message })),
  react: async (post, emoji) => void (await person.react(post, emoji)),
  unreact: async (post, emoji) => void (await person.unreact(post, emoji)),
})

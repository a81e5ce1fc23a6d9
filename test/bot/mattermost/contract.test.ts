import type { TestContext } from 'node:test'
import pino from 'pino'
import { createMattermost } from '../../../src/bot/mattermost/index.ts'
import type { Positions } from '../../../src/storage/index.ts'
import { type MattermostClient, type MattermostSide, mattermostStage } from '../../contracts/mattermost.ts'
import { contract } from '../../contracts/platform.ts'
import { createPositions } from './account.ts'
import { createMattermostServer, type FakeMattermost } from './server.ts'

contract('Mattermost, fake', async (t) => mattermostStage(t, await openServer(t)))

async function openServer(t: TestContext): Promise<MattermostSide> {
  const server = await createMattermostServer(t)
  const [alice, bob] = [clientOf(server, 'alice'), clientOf(server, 'bob')]
  const live = (positions: Positions) =>
    createMattermost({
      url: server.url,
      token: server.token,
      isNamed: () => false,
      positions,
      log: pino({ enabled: false }),
      pingMs: 200,
    })
  const wire = {
    cut() {
      server.interfere(() => ({ status: 502, body: '<html>502 Bad Gateway</html>' }))
      server.cut(true)
    },
    mend() {
      server.interfere(() => undefined)
      server.mend()
    },
  }
  return {
    bot: { id: server.bot, username: 'opsbot' },
    alice,
    bob,
    admin: {
      edit: async (post, message) => server.edit(post, message),
      remove: async (post) => server.remove(post),
    },
    live,
    async channel() {
      const id = server.channel([alice.id, bob.id], { name: 'ops' })
      return { id, name: 'corp/ops' }
    },
    direct: async () => server.channel([alice.id], { type: 'D' }),
    async member(channel, user, isIn) {
      if (isIn) server.join(channel, alice.id, user)
      else server.leave(channel, user)
    },
    thread: async (root) =>
      server.posts
        .filter((post) => (post.id === root || post.root_id === root) && post.delete_at === 0)
        .map(({ id, message, file_ids }) => ({
          id,
          message,
          files: file_ids.map((file) => server.files.find((one) => one.id === file)?.text ?? ''),
        })),
    reactions: async (post, user) => server.reactionsOf(post, user),
    mentionCount: async (channel, user) => server.mentionCount(channel, user),
    machine: async (channel, message) =>
      void server.say(alice.id, channel, message, { props: { from_webhook: 'true' } }),
    wire,
    async restart() {
      wire.cut()
      server.forget()
      wire.mend()
    },
    async limit() {
      const asked: number[] = []
      server.interfere(() => {
        const now = Date.now()
        if (asked.filter((at) => now - at < 200).length >= 5)
          return { status: 429, body: 'limit exceeded', headers: { 'content-type': 'text/plain', 'retry-after': '0' } }
        asked.push(now)
        return undefined
      })
    },
    revocable: async () => ({ platform: live(createPositions()), revoke: async () => server.revoke() }),
  }
}

function clientOf(server: FakeMattermost, username: string): MattermostClient {
  const id = server.user(username)
  return {
    id,
    username,
    say: async (channel, message, root) => server.say(id, channel, message, { root_id: root }),
    edit: async (post, message) => server.edit(post, message),
    react: async (post, emoji) => void server.react(id, post, emoji),
    unreact: async (post, emoji) => server.unreact(id, post, emoji),
  }
}

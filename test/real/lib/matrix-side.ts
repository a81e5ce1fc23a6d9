import pino from 'pino'
import { createMatrix } from '../../../src/bot/matrix/index.ts'
import type { Positions } from '../../../src/storage/index.ts'
import { createPositions } from '../../bot/matrix/account.ts'
import type { MatrixClient, MatrixSide } from '../../contracts/matrix.ts'
import { Person } from './matrix-person.ts'
import { startMatrix } from './servers.ts'
import { createWire } from './wire.ts'

/** A real Synapse for the contract, with the bot behind a wire. */
export async function openMatrixSide(stack: AsyncDisposableStack): Promise<MatrixSide> {
  const server = stack.use(await startMatrix())
  const { env } = server
  const url = env.HOMESERVER_URL ?? ''
  const wire = stack.use(await createWire(Number(new URL(url).port)))
  const person = (who: string) => new Person(url, env[`${who}_USER`] ?? '', env[`${who}_TOKEN`] ?? '')
  const [admin, alice, bob, bot] = [person('ADMIN'), person('ALICE'), person('BOB'), person('BOT')]

  const live = (positions: Positions, token = env.BOT_TOKEN ?? '') =>
    createMatrix({
      url: wire.url,
      token,
      mayInvite: () => true,
      positions,
      log: pino({ enabled: false }),
      pace: { perSecond: 1_000, burst: 1_000 },
    })

  const limitBot = (messages_per_second: number, burst_count: number) =>
    admin.call('POST', `/_synapse/admin/v1/users/${encodeURIComponent(bot.id)}/override_ratelimit`, {
      messages_per_second,
      burst_count,
    })

  return {
    bot: bot.id,
    alice: clientOf(alice),
    bob: clientOf(bob),
    live,
    async room(people, alias) {
      const others = people.filter(({ id }) => id !== alice.id)
      const { room_id: room } = await alice.call<{ room_id: string }>('POST', '/_matrix/client/v3/createRoom', {
        preset: 'private_chat',
        invite: [...others.map(({ id }) => id), bot.id],
        ...(alias && { room_alias_name: alias }),
      })
      for (const other of others) await other.member(room, other.id, 'join')
      await bot.join(room)
      return room
    },
    events: (room) => alice.timeline(room),
    async download(media) {
      const [name, id] = media.replace('mxc://', '').split('/')
      const answer = await fetch(`${url}/_matrix/client/v1/media/download/${name}/${id}`, {
        headers: { authorization: `Bearer ${env.ALICE_TOKEN}` },
      })
      return answer.text()
    },
    wire,
    restart: () => server.restart(),
    async limit(t) {
      await limitBot(5, 3)
      t.after(() => limitBot(0, 0))
    },
    async revocable() {
      const { access_token: token } = await bot.call<{ access_token: string }>('POST', '/_matrix/client/v3/login', {
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: bot.id },
        password: env.BOT_PASSWORD,
      })
      const session = new Person(url, bot.id, token)
      return {
        platform: live(createPositions(), token),
        revoke: async () => void (await session.call('POST', '/_matrix/client/v3/logout', {})),
      }
    },
  }
}

const clientOf = (person: Person): MatrixClient => ({
  id: person.id,
  send: (room, type, content) => person.send(room, type, content),
  redact: (room, event) => person.redact(room, event),
  async member(room, user, membership) {
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}`
    if (membership === 'join') await person.join(room)
    else if (membership === 'invite') await person.call('POST', `${path}/invite`, { user_id: user })
    else if (user === person.id) await person.call('POST', `${path}/leave`, {})
    else await person.call('POST', `${path}/kick`, { user_id: user })
  },
})

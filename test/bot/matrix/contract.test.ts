import type { TestContext } from 'node:test'
import pino from 'pino'
import { createMatrix } from '../../../src/bot/matrix/index.ts'
import type { Positions } from '../../../src/storage/index.ts'
import { type MatrixClient, type MatrixSide, matrixStage } from '../../contracts/matrix.ts'
import { contract } from '../../contracts/platform.ts'
import { createHomeserver, type Homeserver, type Json } from '../../helpers/homeserver.ts'
import { alice, bob, createPositions } from './account.ts'

contract('Matrix, fake', async (t) => matrixStage(t, await openHomeserver(t)))

async function openHomeserver(t: TestContext): Promise<MatrixSide> {
  const server = await createHomeserver(t)
  const { url, bot } = server
  const people = { alice: clientOf(server, alice), bob: clientOf(server, bob) }
  const live = (positions: Positions) =>
    createMatrix({
      url,
      token: bot.token,
      mayInvite: () => true,
      positions,
      log: pino({ enabled: false }),
      pace: { perSecond: 1_000, burst: 1_000 },
    })
  const away = { status: 502, body: '<html>502 Bad Gateway</html>', headers: { 'content-type': 'text/html' } }
  const wire = {
    cut() {
      server.interfere(() => away)
      server.cut()
    },
    mend: () => server.interfere(() => undefined),
  }
  return {
    bot: bot.user,
    ...people,
    live,
    async room(members, alias) {
      const room = server.room(alice, [...members.map(({ id }) => id).filter((id) => id !== alice), bot.user])
      if (alias) server.aliases.set(`#${alias}:hs.test`, room)
      return room
    },
    events: async (room) => server.events(room),
    download: async (media) => server.uploads[Number(media.split('/').at(-1)) - 1] ?? '',
    wire,
    async restart() {
      wire.cut()
      wire.mend()
    },
    async limit() {
      server.setLimit({ perSecond: 50, burst: 3 })
    },
    revocable: async () => ({ platform: live(createPositions()), revoke: async () => server.revoke() }),
  }
}

const clientOf = (server: Homeserver, id: string): MatrixClient => ({
  id,
  send: async (room, type, content) => server.send(id, room, type, content as Json),
  redact: async (room, event) => void server.redact(id, room, event),
  member: async (room, user, membership) => void server.member(id, room, user, membership),
})

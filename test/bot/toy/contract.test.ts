import type { TestContext } from 'node:test'
import type { UserId } from '../../../src/agent/approval.ts'
import type { ChatPlatform, Mark, MessageId, RoomId, ThreadId } from '../../../src/bot/platform.ts'
import { contract } from '../../contracts/platform.ts'
import { lacks, type Person, type Stage } from '../../contracts/scene.ts'
import { createPositions } from '../mattermost/account.ts'
import { createToy } from './index.ts'
import { createLineServer } from './server.ts'

contract('Toy', lineStage)

const open = lacks('Whoever connects is in its one room.')
const fixed = lacks('What was said stays as it is.')

async function lineStage(t: TestContext): Promise<Stage> {
  const server = await createLineServer(t)
  const positions = createPositions()

  function live(memory = positions): ChatPlatform {
    const life = createToy({ port: server.port, positions: memory })
    t.after(() => life.close())
    return life
  }

  const person = (name: string): Person => ({
    id: `@${name}:toy` as UserId,
    name: `@${name}:toy`,
    say: async (text, thread) => idOf(server.act(name, 'say', thread ? numberOf(thread) : 0, text)),
  })
  const act = async (kind: 'mark' | 'unmark', { name }: Person, message: MessageId, mark: Mark) =>
    void server.act(name.slice(1).split(':')[0] ?? '', kind, numberOf(message), mark)
  const byBot = () => server.lines.filter(({ by }) => by === 'bot')

  return {
    live,
    room: 'toy|ops' as RoomId,
    alice: person('alice'),
    call: '@kube-agent',
    nowhere: 'toy|ops|999999' as ThreadId,
    sees: async (thread) =>
      server.lines
        .filter(({ kind, number, of }) => kind === 'say' && [number, of].includes(numberOf(thread)))
        .map(({ number, text }) => {
          const edit = server.lines.findLast(({ kind, of }) => kind === 'edit' && of === number)
          return { id: idOf(number), text: edit?.text ?? text, files: [] }
        }),
    mark: (who, message, mark) => act('mark', who, message, mark),
    can: {
      bob: person('bob'),
      addressing: { calling: ['@Kube-Agent restart'], notCalling: ['kube-agent is slow'] },
      pair: open,
      naming: { room: 'ops', unknownRoom: 'nowhere', unknownUser: '@alice:elsewhere' },
      calls: async ({ name }) => byBot().filter(({ text }) => text.includes(name.split(':')[0] ?? '')).length,
      files: lacks('A file is the end of its line.'),
      edits: true,
      offered: async (message) =>
        byBot().flatMap(({ kind, of, text }) => (kind === 'mark' && of === numberOf(message) ? [text as Mark] : [])),
      unmark: (who, message, mark) => act('unmark', who, message, mark),
      spelling: lacks('Marks are words of the protocol.'),
      away: true,
      again: true,
      newborn: () => live(createPositions()),
      edit: fixed,
      remove: fixed,
      rewrite: fixed,
      machine: lacks('It does not tell people from machines.'),
      leave: open,
      join: open,
      expel: open,
      readmit: open,
      wire: server,
      restartServer: lacks('It keeps nothing.'),
      limit: lacks('It limits nobody.'),
      revocable: lacks('It asks for no token.'),
      refusal: true,
    },
  }
}

const idOf = (number: number): MessageId => `toy|ops|${number}` as MessageId
const numberOf = (id: MessageId | ThreadId): number => Number(id.split('|')[2])

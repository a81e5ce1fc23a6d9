import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatPlatform } from '../../src/bot/platform.ts'
import { healthReport, type Parts, reachable } from '../../src/service/health.ts'

const chat = (name: string, state: string): ChatPlatform =>
  ({ name, health: () => ({ state, detail: 'as it is' }) }) as unknown as ChatPlatform

const away = { health: () => ({ state: 'unreachable', detail: 'does not answer' }) }

const parts = (changes: Partial<Record<keyof Parts, unknown>> = {}): Parts =>
  ({
    chats: [chat('web', 'ready')],
    inSync: new Set(['web']),
    model: undefined,
    cluster: undefined,
    gitea: undefined,
    inbox: { depth: async () => 3 },
    isClosing: () => false,
    ...changes,
  }) as Parts

test('ready is green when a chat is in sync and connected; one that is away stands among the parts', async () => {
  const states = await Promise.all([
    healthReport(parts()),
    healthReport(parts({ inSync: new Set() })),
    healthReport(parts({ chats: [chat('web', 'down')] })),
    healthReport(parts({ chats: [chat('matrix', 'ready')] })),
    healthReport(parts({ chats: [chat('web', 'ready'), chat('matrix', 'down')] })),
    healthReport(parts({ chats: [] })),
  ])

  assert.deepEqual(
    states.map(({ ready }) => ready),
    [true, false, false, false, true, false],
  )
  assert.ok(states.every(({ alive }) => alive))
  assert.equal(states[4]?.parts.matrix, 'down: as it is')
})

test('a server that is away shows, and does not make the bot unready', async () => {
  const { ready, alive, parts: shown } = await healthReport(parts({ model: away, cluster: away, gitea: away }))

  assert.deepEqual([ready, alive], [true, true])
  for (const name of ['model', 'kubernetes', 'gitea']) assert.equal(shown[name], 'unreachable: does not answer')
  assert.deepEqual(reachable(parts({ model: away, cluster: { health: () => ({ state: 'unknown' }) } })), {
    model: false,
    kubernetes: true,
  })
})

test('a revoked token asks for a replacement of the process, unless another chat goes on', async () => {
  assert.equal((await healthReport(parts({ chats: [chat('matrix', 'revoked')] }))).alive, false)
  assert.equal((await healthReport(parts({ chats: [chat('matrix', 'revoked'), chat('web', 'ready')] }))).alive, true)
})

test('while it closes the bot is not ready, but well', async () => {
  const { ready, alive } = await healthReport(parts({ isClosing: () => true }))

  assert.deepEqual([ready, alive], [false, true])
})

test('an inbox that cannot be asked shows, and does not make the bot unready', async () => {
  const depth = async () => {
    throw new Error('disk I/O error')
  }

  const report = await healthReport(parts({ inbox: { depth } }))

  assert.equal(report.parts.inbox, 'unreachable')
  assert.deepEqual([report.ready, report.alive], [true, true])
})

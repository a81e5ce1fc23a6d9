import assert from 'node:assert/strict'
import { test } from 'node:test'
import pino from 'pino'
import type { ChatPlatform } from '../../src/bot/platform.ts'
import { createSignals, type SignalOptions } from '../../src/commands/signals.ts'
import { loadConfig } from '../../src/config.ts'
import type { Signal } from '../../src/signal.ts'

const push = { branch: 'main', repository: { defaultBranch: 'main' }, pusher: { login: 'kube-bot' } } as Signal

function create(changes: Partial<SignalOptions> = {}) {
  const { config } = loadConfig({ env: { KUBE_AGENT_ROOM: '#ops:corp' } })
  return createSignals({
    config,
    gitea: undefined,
    cluster: undefined,
    hasModel: false,
    inbox: { put: async () => true },
    threads: {} as SignalOptions['threads'],
    stopping: new AbortController().signal,
    lookAgainMs: 1,
    log: pino({ enabled: false }),
    ...changes,
  })
}

test('the room is asked from each chat until one knows it', async () => {
  const stranger = { name: 'web', room: () => Promise.reject(new Error('no such room')) } as unknown as ChatPlatform
  const friend = { name: 'matrix', room: async () => 'matrix|!ops' } as unknown as ChatPlatform
  const signals = create()

  await signals.findRoom([stranger, friend])

  assert.deepEqual([signals.room, signals.chat], ['matrix|!ops', friend])
})

test('a room that is not there yet is found once the bot was invited', async () => {
  let invited = false
  const chat = {
    name: 'matrix',
    room: async () => (invited ? 'matrix|!ops' : Promise.reject(new Error('not invited'))),
  } as unknown as ChatPlatform
  const signals = create()
  await signals.findRoom([chat])
  assert.equal(signals.room, undefined)

  invited = true
  while (!signals.room) await new Promise(setImmediate)

  assert.equal(signals.room, 'matrix|!ops')
})

test('pushes of the bot itself are not wanted, also when Gitea was away at the start', async () => {
  let isAway = true
  const asked: string[] = []
  const login = async () => {
    asked.push('login')
    if (isAway) throw new Error('away')
    return 'kube-bot'
  }
  const signals = create({ gitea: { login } as unknown as SignalOptions['gitea'] })
  while (asked.length === 0) await new Promise(setImmediate)
  assert.equal(signals.wants(push), undefined)

  isAway = false
  while (signals.wants(push) === undefined) {
    await new Promise(setImmediate)
  }

  assert.equal(signals.wants(push), 'own push')
})

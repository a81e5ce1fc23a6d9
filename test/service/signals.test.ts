import assert from 'node:assert/strict'
import { test } from 'node:test'
import pino from 'pino'
import type { ChatPlatform } from '../../src/bot/platform.ts'
import { loadConfig } from '../../src/config/index.ts'
import { createSignals, type SignalOptions } from '../../src/service/signals.ts'
import type { PushSignal, Repository } from '../../src/signal.ts'

const repository: Repository = { id: 1, fullName: 'acme/shop', url: '', private: false, defaultBranch: 'main' }
const push = { branch: 'main', repository, pusher: { login: 'kube-bot' } } as PushSignal

const nothingKept = { iterator: async function* () {} }

function create(changes: Partial<SignalOptions> = {}, env: Record<string, string> = {}) {
  const { config } = loadConfig({ env: { KUBE_AGENT_ROOM: '#ops:corp', ...env } })
  return createSignals({
    config,
    gitea: undefined,
    cluster: undefined,
    probes: [],
    hasModel: false,
    inbox: { put: async () => true },
    store: { threads: nothingKept, lines: nothingKept, seen: nothingKept } as unknown as SignalOptions['store'],
    stopping: new AbortController().signal,
    lookAgainMs: 1,
    log: pino({ enabled: false }),
    ...changes,
  })
}

const chatWith = (...rooms: string[]) =>
  ({
    name: 'matrix',
    room: async (name: string) => (rooms.includes(name) ? `matrix|${name}` : Promise.reject(new Error('not invited'))),
  }) as unknown as ChatPlatform

test('the room is asked from each chat until one knows it', async () => {
  const friend = chatWith('#ops:corp')
  const signals = create()

  await signals.start([chatWith(), friend])

  assert.deepEqual(signals.placeFor(repository), { room: 'matrix|#ops:corp', chat: friend })
})

test('a room that is not there yet is found once the bot was invited', async () => {
  const rooms: string[] = []
  const chat = {
    name: 'matrix',
    room: async (name: string) => (rooms.includes(name) ? name : Promise.reject(new Error('not invited'))),
  } as unknown as ChatPlatform
  const signals = create()
  await signals.start([chat])
  assert.equal(signals.placeFor(repository), 'later')

  rooms.push('#ops:corp')
  while (signals.placeFor(repository) === 'later') await new Promise(setImmediate)

  assert.deepEqual(signals.placeFor(repository), { room: '#ops:corp', chat })
})

test('a repository is told of in the first room whose pattern fits, and a private one in no other', async () => {
  const signals = create({}, { KUBE_AGENT_SIGNALS_ROOMS: 'acme/pay*=#pay:corp,acme/*=#acme:corp' })
  await signals.start([chatWith('#ops:corp', '#pay:corp', '#acme:corp')])
  const roomOf = (fullName: string, isPrivate: boolean) => {
    const place = signals.placeFor({ ...repository, fullName, private: isPrivate })
    return place === 'later' ? place : place?.room
  }

  assert.equal(roomOf('acme/payments', true), 'matrix|#pay:corp')
  assert.equal(roomOf('acme/shop', true), 'matrix|#acme:corp')
  assert.equal(roomOf('others/site', false), 'matrix|#ops:corp')
  assert.equal(roomOf('others/site', true), undefined)
})

test('a rule for rooms that is none is told at the start', () => {
  assert.throws(() => create({}, { KUBE_AGENT_SIGNALS_ROOMS: 'acme' }), /REPOSITORY=ROOM/)
})

test('which branches are told of is a matter of patterns', () => {
  const isWanted = (branch: string, patterns: string) =>
    create({}, { KUBE_AGENT_SIGNALS_PUSH_BRANCHES: patterns }).unwanted({ ...push, branch }) === undefined

  assert.equal(isWanted('main', 'default'), true)
  assert.equal(isWanted('feature/x', 'default'), false)
  assert.equal(isWanted('release/1.2', 'default,release/*'), true)
  assert.equal(isWanted('feature/a/b', '**'), true)
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
  assert.equal(signals.unwanted(push), undefined)

  isAway = false
  while (signals.unwanted(push) === undefined) await new Promise(setImmediate)

  assert.equal(signals.unwanted(push), 'own push')
})

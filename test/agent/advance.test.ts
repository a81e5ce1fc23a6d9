import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type UserId, vote, withdrawVote } from '../../src/agent/approval.ts'
import { advance } from '../../src/agent/index.ts'
import { ModelError } from '../../src/agent/model.ts'
import {
  type AssistantMessage,
  createRequest,
  openCalls,
  type Session,
  withdrawOpenCalls,
} from '../../src/agent/session.ts'
import { calls, lastShown, type ScriptedModel, says, scriptedModel } from '../helpers/model.ts'
import { restart } from './fixtures.ts'
import { agent, alice, asked, bob, look } from './harness.ts'

test('reads of one turn run side by side, and their results stand in the order of the calls', async () => {
  const began: string[] = []
  const gates = new Map(['a', 'b'].map((name) => [name, Promise.withResolvers<void>()]))
  const tool = look(async (name) => {
    began.push(name)
    if (began.length === 2) for (const gate of gates.values()) gate.resolve()
    await gates.get(name)?.promise
    return `${name} seen`
  })
  const one = agent({
    tools: [tool],
    model: scriptedModel(calls(['look', { name: 'a' }], ['look', { name: 'b' }]), says('Well.')),
  })

  assert.deepEqual(await one.advance(), { kind: 'answered', text: 'Well.' })

  assert.deepEqual(
    one.results().map((result) => /\[(\d)\] look at (\w)/.exec(result)?.slice(1)),
    [
      ['1', 'a'],
      ['2', 'b'],
    ],
  )
})

test('at most eight reads run at the same time', async () => {
  let running = 0
  let most = 0
  const tool = look(async (name) => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
    return name
  })
  const names = Array.from({ length: 20 }, (_, index): [string, object] => ['look', { name: `p${index}` }])
  const one = agent({ tools: [tool], model: scriptedModel(calls(...names), says('Well.')) })

  await one.advance()

  assert.equal(most, 8)
})

test('a change and a read in one turn: the read runs, the change waits, and no result stands out of order', async () => {
  const ran: string[] = []
  const one = agent({
    tools: [restart({ ran }), look()],
    model: scriptedModel(calls(['restart', { name: 'api' }], ['look', { name: 'web' }]), says('Done.')),
  })

  assert.equal((await one.advance()).kind, 'waiting')
  assert.equal(one.results().length, 1)
  vote(one.open()[0]!, { id: '$1', by: bob, mark: 'approve' }, one.clock.now)
  await one.advance()

  assert.deepEqual(ran, ['api'])
  assert.match(one.results()[0] ?? '', /restart deployment shop\/api/)
  assert.match(one.results()[1] ?? '', /look at web/)
})

test('an answer that stands is given before a newer message is taken in', async () => {
  let isIn = false
  const one = agent({
    model: scriptedModel(says('It was the database.')),
    deps: {
      takeIn: async () => {
        if (one.model.requests.length === 0 || isIn) return
        isIn = true
        one.session.messages.push({ role: 'user', content: 'bob (@bob:corp): and web?' })
      },
    },
  })

  assert.deepEqual(await one.advance(), { kind: 'answered', text: 'It was the database.' })

  assert.equal(isIn, false)
})

test('what comes while the bot works is taken up at the next step', async () => {
  const one = agent({
    tools: [look()],
    model: scriptedModel(calls(['look', { name: 'api' }]), says('Both.')),
    deps: {
      takeIn: async (what) => {
        if (what === 'all' && one.model.requests.length === 1)
          one.session.messages.push({ role: 'user', content: 'bob (@bob:corp): web too' })
      },
    },
  })

  await one.advance()

  assert.match(lastShown(one.model, 'user'), /web too/)
})

test('a text that only announces is nudged on, five times at most', async () => {
  const one = agent({ model: scriptedModel(...Array.from({ length: 6 }, () => says('Let me check the pods.'))) })

  assert.deepEqual(await one.advance(), { kind: 'answered', text: 'Let me check the pods.' })

  assert.equal(one.model.requests.length, 6)
  assert.match(lastShown(one.model, 'user'), /Go on/)
})

test('on the last step tools are withheld, so that an answer comes', async () => {
  const one = agent({
    tools: [look()],
    model: scriptedModel(calls(['look', { name: 'a' }]), calls(['look', { name: 'b' }]), says('What I found.')),
    deps: { limits: { toolCalls: 2, nudges: 5, minutes: 15, tokens: 1_000_000 } },
  })

  assert.deepEqual(await one.advance(), { kind: 'answered', text: 'What I found.' })

  assert.deepEqual(
    one.model.requests.map(({ tools }) => tools.length),
    [1, 1, 0],
  )
  assert.match(lastShown(one.model, 'user'), /used all 2 tool calls.*Answer now/)
})

test('a model that calls on the last step all the same gives no answer, and nobody sees what was meant for it', async () => {
  for (const last of [calls(['look', { name: 'b' }]), says('<tool_call>{"name":"look"}</tool_call>'), says('')]) {
    const one = agent({
      tools: [look()],
      model: scriptedModel(calls(['look', { name: 'a' }]), last),
      deps: { limits: { toolCalls: 1, nudges: 5, minutes: 15, tokens: 1_000_000 } },
    })

    assert.deepEqual(await one.advance(), { kind: 'answered', text: '' })
    assert.deepEqual(openCalls(one.session), [])
  }
})

test('one reply with more calls than are left runs only those that are left', async () => {
  const seen: string[] = []
  const wanted = Array.from({ length: 8 }, (_, index): [string, object] => ['look', { name: `p${index}` }])
  const one = agent({
    tools: [look((name) => String(seen.push(name)))],
    model: scriptedModel(calls(...wanted), says('Enough.')),
    deps: { limits: { toolCalls: 3, nudges: 5, minutes: 15, tokens: 1_000_000 } },
  })

  await one.advance()

  assert.equal(seen.length, 3)
  assert.match(one.results()[3] ?? '', /used all its 3 tool calls/)
})

test('what the model got wrong is told to it and is no step that people see', async () => {
  const broken: AssistantMessage = {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'x', type: 'function', function: { name: 'look', arguments: '{"name": ' } }],
  }
  const one = agent({
    tools: [look()],
    model: scriptedModel(calls(['lok', { name: 'a' }]), calls(['look', { nam: 'a' }]), broken, says('Found it.')),
  })

  await one.advance()

  assert.match(one.results()[0] ?? '', /There is no tool named "lok". Tools: look/)
  assert.match(one.results()[1] ?? '', /Invalid arguments[\s\S]*look takes/)
  assert.match(one.results()[2] ?? '', /were not JSON[\s\S]*look takes/)
  assert.deepEqual(
    one.events.filter((event) => event.kind === 'step'),
    [],
  )
  assert.deepEqual(one.session.request?.steps, [])
})

test('arguments that are no JSON are sent back as JSON, since servers parse them', async () => {
  const broken: AssistantMessage = {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'x', type: 'function', function: { name: 'look', arguments: 'name=api' } }],
  }
  const one = agent({ tools: [look()], model: scriptedModel(broken, says('Found it.')) })

  await one.advance()

  const shown = one.model.requests.at(-1)?.messages.find((message) => message.role === 'assistant')
  const call = shown?.role === 'assistant' ? shown.tool_calls?.[0] : undefined
  assert.equal(call?.type === 'function' && call.function.arguments, '{"not_json":"name=api"}')
})

test('a window that is smaller than believed is learned, and the same question asked again', async () => {
  const tooLong = new ModelError('context-exceeded', 'too long', { limitTokens: 2_048 })
  const model = scriptedModel(tooLong, says('Short enough.'))
  let tokens = 32_768
  const shrinking: ScriptedModel = { ...model, window: async () => ({ tokens, source: 'learned' }) }
  const complete = shrinking.complete
  shrinking.complete = (request) =>
    complete(request).catch((error: unknown) => {
      tokens = 2_048
      throw error
    })
  const session = asked('x')
  session.messages.unshift({ role: 'user', content: 'old '.repeat(5_000) }, { role: 'assistant', content: 'long ago' })
  session.request!.from = 2

  const one = agent({ model: shrinking, session })

  assert.deepEqual(await one.advance(), { kind: 'answered', text: 'Short enough.' })
  const sizes = model.requests.map(({ messages }) => JSON.stringify(messages).length)
  assert.ok(sizes[1]! < sizes[0]! / 4, String(sizes))
})

test('a server that does not count its tokens does not make the limit endless', async () => {
  const model = scriptedModel(
    calls(['look', { name: 'a' }]),
    calls(['look', { name: 'b' }]),
    calls(['look', { name: 'c' }]),
  )
  const uncounted: ScriptedModel = {
    ...model,
    async complete(request) {
      const { usage: _usage, ...reply } = await model.complete(request)
      return reply
    },
  }
  const one = agent({
    tools: [look()],
    model: uncounted,
    deps: { limits: { toolCalls: 30, nudges: 5, minutes: 15, tokens: 200 } },
  })

  const outcome = await one.advance()

  assert.equal(outcome.kind, 'stopped')
  assert.match(outcome.kind === 'stopped' ? outcome.reason : '', /tokens, more than it may/)
})

test('what the model server got wrong for good ends the request, what may pass does not', async () => {
  const outcomes = []
  for (const kind of [
    'unauthorized',
    'no-such-model',
    'refused',
    'unreachable',
    'rate-limited',
    'malformed',
  ] as const) {
    const one = agent({ model: scriptedModel(new ModelError(kind, kind)) })
    outcomes.push(await one.advance())
  }

  assert.deepEqual(
    outcomes.map((outcome) => outcome.kind === 'stopped' && outcome.retryable),
    [false, false, false, true, true, true],
  )
})

test('a stop between two approved changes keeps the second from starting', async () => {
  const ran: string[] = []
  const stop = new AbortController()
  const tool = restart({
    ran,
    run: async () => {
      stop.abort(new Error('stopped'))
      return 'restarted'
    },
  })
  const one = agent({
    tools: [tool],
    model: scriptedModel(calls(['restart', { name: 'api' }], ['restart', { name: 'web' }])),
    deps: { signal: stop.signal },
  })
  await one.advance()
  for (const approval of one.open()) vote(approval, { id: approval.id, by: bob, mark: 'approve' }, one.clock.now)

  await assert.rejects(one.advance(), /stopped/)

  assert.deepEqual(ran, ['api'])
  assert.equal(one.saved().approvals[0]?.state.kind, 'ended')
  assert.equal(one.saved().approvals[1]?.state.kind, 'approved')
})

test('whoever ends the request while a change is about to start is heard', async () => {
  const ran: string[] = []
  const one = agent({
    tools: [restart({ ran })],
    model: scriptedModel(calls(['restart', { name: 'api' }])),
    deps: {
      takeIn: async (what) => {
        if (what !== 'votes' || one.session.approvals[0]?.state.kind !== 'approved') return
        withdrawOpenCalls(one.session, { kind: 'stop' })
        delete one.session.request
      },
    },
  })
  await one.advance()
  vote(one.open()[0]!, { id: '$1', by: bob, mark: 'approve' }, one.clock.now)

  await one.advance()

  assert.deepEqual(ran, [])
  assert.deepEqual(one.results(), ['Stopped by a person before the decision.'])
})

test('after the end of the request nobody is asked for the calls that were still to come', async () => {
  const one = agent({
    tools: [restart()],
    model: scriptedModel(calls(['restart', { name: 'api' }], ['restart', { name: 'web' }])),
    deps: {
      takeIn: async (what) => {
        if (what !== 'votes' || one.session.approvals.length !== 1) return
        withdrawOpenCalls(one.session, { kind: 'stop' })
        delete one.session.request
      },
    },
  })

  await one.advance()

  assert.deepEqual(
    one.session.approvals.map(({ summary, state }) => [summary, state.kind]),
    [['restart deployment shop/api', 'withdrawn']],
  )
})

/** One thing that happens between two moves: to the n-th open approval, or to the whole session. */
const happening = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constant('approve' as const), by: fc.constantFrom(alice, bob), nth: fc.nat(3) }),
  },
  fc.record({ what: fc.constant('deny' as const), by: fc.constantFrom(alice, bob), nth: fc.nat(3) }),
  fc.record({ what: fc.constant('take-back' as const), by: fc.constantFrom(alice, bob), nth: fc.nat(3) }),
  fc.record({ what: fc.constantFrom('message' as const, 'stop' as const, 'hour' as const, 'nothing' as const) }),
)
type Happening = typeof happening extends fc.Arbitrary<infer Value> ? Value : never

const wantedCall = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constant('restart'), fc.constantFrom({ name: 'api' }, { name: 'web' }, {})) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constant('look'), fc.constantFrom({ name: 'api' }, { name: 'broken' }, { nam: 1 })),
  },
  fc.tuple(fc.constantFrom('', 'delete_everything', 'toString'), fc.constant({})),
)
const turn = fc.oneof(
  { weight: 4, arbitrary: fc.array(wantedCall, { minLength: 1, maxLength: 4 }).map((wanted) => calls(...wanted)) },
  fc.constantFrom(says('All is well.'), says('Let me look at the pods.'), says('')),
)

class Crash extends Error {}

test('whatever the model says, people do and crashes interrupt: requests are valid, and no change runs twice or unapproved', async () => {
  const random = fc.record({
    turns: fc.array(turn, { minLength: 1, maxLength: 6 }),
    happenings: fc.array(happening, { maxLength: 8 }),
    /** At these saves the process ends, before or after they are on disk. */
    crashes: fc.array(fc.record({ at: fc.nat(30), onDisk: fc.boolean() }), { maxLength: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(random, async ({ turns, happenings, crashes }) => {
      const started: string[] = []
      const approvedBy = new Map<string, UserId[]>()
      let saves = 0
      let disk = JSON.stringify(asked('what is wrong?'))
      const script = [...turns]
      let at = 1_000_000

      const live = async (): Promise<string> => {
        const session = JSON.parse(disk) as Session
        const model = scriptedModel()
        const run = async () => {
          for (const { call, state } of session.approvals) {
            if (state.kind !== 'used') continue
            started.push(call.id)
            approvedBy.set(call.id, state.by as UserId[])
          }
          return 'restarted'
        }
        const tools = [
          restart({ run }),
          look((name) => {
            if (name === 'broken') throw new Error('the cluster is away')
            return name
          }),
        ]
        const one = agent({
          session,
          tools,
          model,
          deps: {
            limits: { toolCalls: 12, nudges: 2, minutes: 15, tokens: 1_000_000 },
            now: () => at,
            save: async () => {
              const crash = crashes.find((one) => one.at === saves)
              saves++
              if (crash && !crash.onDisk) throw new Crash()
              disk = JSON.stringify(session)
              if (crash) throw new Crash()
            },
          },
        })
        const complete = model.complete
        const asking = async (request: Parameters<typeof complete>[0]) => {
          model.script.push(script.shift() ?? says('That is all I know.'))
          return complete(request)
        }
        one.deps.model = { ...model, complete: asking }
        return (await advance(session, one.deps)).kind
      }
      const liveOn = async (): Promise<void> => {
        for (let lives = 0; lives < 6; lives++) {
          const lived = await live().catch((error: unknown) => {
            if (!(error instanceof Crash)) throw error
            return 'crashed'
          })
          if (lived === 'crashed') continue
          const session = JSON.parse(disk) as Session
          if (lived === 'answered' || lived === 'stopped') delete session.request
          disk = JSON.stringify(session)
          return
        }
      }

      await liveOn()
      for (const one of happenings) {
        const session = JSON.parse(disk) as Session
        happen(one, session, at)
        if (one.what === 'hour') at += 3_600_000
        disk = JSON.stringify(session)
        if (session.request) await liveOn()
      }

      assert.equal(new Set(started).size, started.length, 'a call started twice')
      for (const by of approvedBy.values()) assert.deepEqual(new Set(by), new Set([bob]))
      const session = JSON.parse(disk) as Session
      const ids = session.messages.flatMap((message) => (message.role === 'tool' ? [message.tool_call_id] : []))
      assert.equal(new Set(ids).size, ids.length, 'a call has two results')
    }),
    { numRuns: 300 },
  )
})

/** As the bot would do it: only entitled people's votes reach the approval. */
function happen(one: Happening, session: Session, now: number): void {
  const open = session.approvals.filter(({ state }) => state.kind === 'open' || state.kind === 'approved')
  const approval = 'nth' in one ? open[one.nth % Math.max(1, open.length)] : undefined
  if (one.what === 'approve' && approval && one.by === bob)
    vote(approval, { id: `$${session.messages.length}-${approval.votes.length}`, by: bob, mark: 'approve' }, now)
  if (one.what === 'deny' && approval) vote(approval, { id: '$no', by: one.by, mark: 'deny' }, now, 'no')
  if (one.what === 'take-back' && approval) withdrawVote(approval, one.by, 'approve')
  if (one.what === 'message' || one.what === 'stop') {
    withdrawOpenCalls(session, { kind: one.what })
    delete session.request
  }
  if (one.what !== 'message') return
  session.request = createRequest(session, alice, 'question', now)
  session.messages.push({ role: 'user', content: 'alice (@alice:corp): and now?' })
}

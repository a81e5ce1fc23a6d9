import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { MatrixError } from '../../../src/bot/matrix/client.ts'
import { createPace, type Pace } from '../../../src/bot/matrix/pace.ts'

const synapse = { perSecond: 0.2, burst: 10 }

interface Bench {
  pace: Pace
  /** What the server took, and when, in seconds since the beginning. */
  took: { name: string; at: number }[]
  /** An attempt to send something by name, as the server sees it. */
  attempt(name: string): () => Promise<string>
  closing: AbortController
  /** Lets time pass, second by second. */
  pass(seconds: number): Promise<void>
  now(): number
}

/** A pace, and a server that counts as Synapse does, unless `answer` knows better. */
function bench(
  t: TestContext,
  {
    limit = synapse,
    given = synapse,
    answer,
  }: { limit?: typeof synapse; given?: typeof synapse; answer?(name: string): void } = {},
): Bench {
  t.mock.timers.reset()
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
  const now = () => (Date.now() - 1_000_000) / 1000
  const closing = new AbortController()
  const pace = createPace({ ...given, closing: closing.signal })
  const took: Bench['took'] = []
  const bucket = { tokens: limit.burst, at: 0 }
  const attempt = (name: string) => async () => {
    answer?.(name)
    bucket.tokens = Math.min(limit.burst, bucket.tokens + (now() - bucket.at) * limit.perSecond)
    bucket.at = now()
    if (bucket.tokens < 1 - 1e-6) throw limited(Math.ceil(((1 - bucket.tokens) / limit.perSecond) * 1000))
    bucket.tokens--
    took.push({ name, at: now() })
    return name
  }
  async function pass(seconds: number) {
    for (let second = 0; second < seconds; second++) {
      await settled()
      t.mock.timers.tick(1_000)
    }
    await settled()
  }
  return { pace, took, attempt, closing, pass, now }
}

/** Lets everything happen that can happen without time passing. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await Promise.resolve()
}

const limited = (retryAfterMs?: number) =>
  new MatrixError('429', { status: 429, code: 'M_LIMIT_EXCEEDED', ...(retryAfterMs !== undefined && { retryAfterMs }) })
const away = () => new MatrixError('away', { status: 502, code: 'NOT_MATRIX' })

test('progress of three threads over ten minutes never meets the server’s limit and leaves room for a prompt with its marks', async (t) => {
  let refusals = 0
  const { pace, took, attempt, pass } = bench(t)
  const counted = (name: string) => () =>
    attempt(name)().catch((error) => {
      refusals++
      throw error
    })

  for (let second = 0; second < 600; second++) {
    for (const thread of ['a', 'b', 'c']) pace.progress(thread, counted(`${thread}${second}`))
    await pass(1)
  }
  const begun = took.length
  for (const name of ['prompt', 'yes', 'no']) void pace.send(name === 'prompt' ? 'post' : 'offer', counted(name))
  await settled()

  assert.equal(refusals, 0)
  assert.deepEqual(
    took.slice(begun).map(({ name }) => name),
    ['prompt', 'yes', 'no'],
    'at once',
  )
  for (const thread of ['a', 'b', 'c']) assert.ok(took.filter(({ name }) => name.startsWith(thread)).length > 30)
})

test('of many edits the latest goes out, and the last is never lost', async (t) => {
  const { pace, took, attempt, pass } = bench(t)

  for (let step = 1; step <= 100; step++) {
    pace.progress('message', attempt(`step ${step}`))
    if (step % 10 === 0) await pass(1)
  }
  await pass(60)

  assert.ok(took.length < 20)
  assert.equal(took.at(-1)?.name, 'step 100')
})

test('an edit that comes while the one before is under way goes out after it', async (t) => {
  const { pace, took, attempt, pass } = bench(t)
  let arrive = () => {}
  pace.progress('message', () => new Promise<void>((resolve) => (arrive = resolve)))
  await settled()

  pace.progress('message', attempt('last'))
  arrive()
  await pass(60)

  assert.deepEqual(
    took.map(({ name }) => name),
    ['last'],
  )
})

test('twenty threads that begin at once leave three for posts', async (t) => {
  const { pace, took, attempt, pass } = bench(t)

  for (let thread = 0; thread < 20; thread++) pace.progress(`thread ${thread}`, attempt(`thread ${thread}`))
  await pass(4)

  assert.equal(took.length, synapse.burst - 3)
})

test('what is forgotten does not go out, and a final edit comes after what is under way', async (t) => {
  const { pace, took, attempt, pass } = bench(t)
  pace.progress('message', attempt('step 1'))
  pace.progress('message', attempt('step 2'))
  await settled()
  pace.progress('message', attempt('step 3'))

  pace.forget('message')
  void pace.send('post', attempt('final'))
  await pass(60)

  assert.equal(took.at(-1)?.name, 'final')
  assert.ok(!took.some(({ name }) => name === 'step 3'))
})

test('posts go before marks, marks before progress', async (t) => {
  const { pace, took, attempt, pass } = bench(t)
  let open = () => {}
  void pace.send('post', () => new Promise<string>((resolve) => (open = () => resolve('first'))))
  pace.progress('message', attempt('progress'))
  void pace.send('offer', attempt('mark'))
  void pace.send('post', attempt('post'))

  open()
  await pass(10)

  assert.deepEqual(
    took.map(({ name }) => name),
    ['post', 'mark', 'progress'],
  )
})

for (const waitMs of [4_752, 600_000])
  test(`a server that asks for ${waitMs} ms is left alone so long, then gets the same again`, async (t) => {
    let refuse = true
    const asked: number[] = []
    const { pace, took, attempt, pass, now } = bench(t, {
      answer() {
        asked.push(now())
        if (refuse) throw limited(waitMs)
      },
    })
    const posted = pace.send('post', attempt('answer'))
    pace.progress('message', attempt('progress'))
    await settled()
    refuse = false

    await pass(waitMs / 1000 + 30)

    assert.equal(await posted, 'answer')
    assert.equal(asked[0], 0)
    assert.ok((asked[1] ?? 0) >= waitMs / 1000)
    assert.deepEqual(
      took.map(({ name }) => name),
      ['answer', 'progress'],
    )
  })

test('a server that refuses without a time, or with none at all, is not asked in a hurry', async (t) => {
  for (const waitMs of [undefined, 0, -5]) {
    let asked = 0
    const { pace, attempt, pass } = bench(t, {
      answer() {
        asked++
        throw limited(waitMs)
      },
    })
    void pace.send('post', attempt('answer')).catch(() => {})

    await pass(10)

    assert.ok(asked <= 41, `${asked} requests in ten seconds after ${waitMs}`)
  }
})

test('a final edit that is refused for its pace goes out later', async (t) => {
  const { pace, took, attempt, pass } = bench(t)
  for (let post = 0; post < 10; post++) void pace.send('post', attempt(`post ${post}`))
  await pass(1)

  const final = pace.send('post', attempt('final'))
  await pass(10)

  assert.equal(await final, 'final')
  assert.equal(took.length, 11)
})

test('a server that is away is asked until it is back; what it refuses for good is told at once', async (t) => {
  let failures = 20
  const { pace, attempt, pass } = bench(t, {
    answer(name) {
      if (name === 'forbidden') throw new MatrixError('no', { status: 403, code: 'M_FORBIDDEN' })
      if (name === 'patient' && failures-- > 0) throw away()
    },
  })

  const patient = pace.send('post', attempt('patient'))
  await assert.rejects(pace.send('post', attempt('forbidden')), /no/)
  await pass(400)

  assert.equal(await patient, 'patient')
})

test('an event that the server fails on again and again is given up, and blocks nobody', async (t) => {
  const { pace, took, attempt, pass } = bench(t, {
    answer(name) {
      if (name === 'poison') throw new MatrixError('oops', { status: 500, code: 'M_UNKNOWN' })
    },
  })

  const poison = pace.send('post', attempt('poison')).catch((error: Error) => error.message)
  await pace.send('post', attempt('other'))
  await pass(300)

  assert.equal(await poison, 'oops')
  assert.equal(took[0]?.name, 'other')
})

test('a server that takes more than it was said to is used, until it refuses', async (t) => {
  const { pace, took, attempt, pass } = bench(t, { limit: { perSecond: 100, burst: 1_000 } })
  for (let post = 0; post < 40; post++) await pace.send('post', attempt(`post ${post}`))
  const before = took.length

  for (let second = 0; second < 30; second++) {
    pace.progress('message', attempt(`step ${second}`))
    await pass(1)
  }

  assert.ok(took.length - before > 15, `${took.length - before} edits in 30 seconds`)
})

test('progress lives even where the server allows next to nothing', async (t) => {
  const tiny = { perSecond: 0.1, burst: 1 }
  const { pace, took, attempt, pass } = bench(t, { limit: tiny, given: tiny })

  pace.progress('message', attempt('step'))
  await pass(30)

  assert.deepEqual(
    took.map(({ name }) => name),
    ['step'],
  )
})

test('closing ends what waits with the reason, and takes nothing more', async (t) => {
  const { pace, attempt, closing, took, pass } = bench(t, {
    answer() {
      throw limited(60_000)
    },
  })
  const first = assert.rejects(pace.send('post', attempt('a')), /closed/)
  const second = assert.rejects(pace.send('offer', attempt('b')), /closed/)
  pace.progress('message', attempt('c'))
  await settled()

  closing.abort(new Error('closed'))
  await Promise.all([first, second, assert.rejects(pace.send('post', attempt('d')), /closed/)])
  await pass(120)

  assert.deepEqual(took, [])
})

test('whatever is sent when: posts all arrive, in order; progress keeps to the bucket and ends with the latest', async (t) => {
  const step = fc.record({
    after: fc.nat(8),
    what: fc.constantFrom('post', 'progress a', 'progress b', 'progress c'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async (steps) => {
      const { pace, took, attempt, pass } = bench(t)
      const posts: string[] = []
      const latest = new Map<string, string>()
      for (const [index, { after, what }] of steps.entries()) {
        const name = `${what} ${index}`
        if (what === 'post') {
          posts.push(name)
          void pace.send('post', attempt(name))
        } else {
          latest.set(what, name)
          pace.progress(what, attempt(name))
        }
        await pass(after)
      }
      await pass(600)

      const names = took.map(({ name }) => name)
      assert.deepEqual(
        names.filter((name) => name.startsWith('post')),
        posts,
      )
      for (const [what, name] of latest)
        assert.equal(
          names.findLast((one) => one.startsWith(what)),
          name,
        )
      if (posts.length === 0) assert.ok(leastLeft(took) >= 3 - 1e-6, 'three are kept for posts')
    }),
    { numRuns: 12 },
  )
})

/** The fewest tokens that the account ever had. */
function leastLeft(took: Bench['took']): number {
  let tokens = synapse.burst
  let last = 0
  let least = tokens
  for (const { at } of took) {
    tokens = Math.min(synapse.burst, tokens + (at - last) * synapse.perSecond) - 1
    last = at
    least = Math.min(least, tokens)
  }
  return least
}

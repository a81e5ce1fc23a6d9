import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Agent } from 'undici'
import { createSandboxGitea } from '../../../sandbox/gitea/index.ts'
import { createGitea, type GiteaOptions } from '../../../src/tools/gitea/client.ts'
import { answer, type Fault, tap } from '../tap.ts'

const commit = 'b'.repeat(40)

/** The client on a sandbox Gitea that lies behind a proxy, under a path. */
async function setup(t: TestContext, options: Partial<GiteaOptions> = {}) {
  const sandbox = createSandboxGitea()
  t.after(() => sandbox.close())
  const wire = await tap(t, await sandbox.listen(), '/git')
  const dispatcher = new Agent()
  t.after(() => dispatcher.destroy())
  const gitea = createGitea({ url: `${wire.url}/`, token: sandbox.token, dispatcher, pauseMs: 1, ...options })
  return { gitea, sandbox, ...wire }
}

test('a Gitea under a path is asked under that path, with the token', async (t) => {
  const { gitea, sandbox, seen } = await setup(t)

  assert.equal(await gitea.login(t.signal), 'kube-agent')

  assert.deepEqual(
    seen.map(({ path, headers }) => [path, headers.authorization]),
    [['/git/api/v1/user', `token ${sandbox.token}`]],
  )
  assert.deepEqual(gitea.health(), { state: 'ready' })
})

test('the status of a commit is what its CI reported', async (t) => {
  const { gitea, sandbox } = await setup(t)
  const released = await sandbox.pushSample()

  const { state, statuses } = await gitea.status('acme/shop', released, t.signal)

  assert.equal(state, 'failure')
  assert.equal(statuses.length, 1)
  assert.equal(statuses[0]?.status, 'failure')
  assert.match(statuses[0]?.context ?? '', /CI/)
})

const sentences: { what: string; status: number; body: string | object; says: RegExp }[] = [
  {
    what: 'a token without the scope',
    status: 403,
    body: {
      message:
        'token does not have at least one of required scope(s), required=[read:repository], token scope=read:user',
    },
    says: /^The Gitea token lacks the scope read:repository\.$/,
  },
  {
    what: 'an account without the right',
    status: 403,
    body: { message: 'user should have a permission to write to a repo' },
    says: /^Gitea does not allow this for the bot's account \(403, /,
  },
  {
    what: 'something that is not there or not to be seen',
    status: 404,
    body: { errors: null, message: 'not found' },
    says: /^Gitea has no such thing, or the bot's account may not see it \(404, /,
  },
  {
    what: 'a repository that was renamed',
    status: 301,
    body: '<a href="/api/v1/repos/acme/shop2">Moved</a>',
    says: /has moved; use the new name\.$/,
  },
  { what: 'a bad answer', status: 500, body: { message: 'secret-detail' }, says: /^Gitea answered 500 \(/ },
  {
    what: 'a login page',
    status: 200,
    body: '<html>log in</html>',
    says: /does not answer as Gitea does .*KUBE_AGENT_GITEA_URL/,
  },
  { what: 'an answer of another shape', status: 200, body: '[]', says: /does not answer as Gitea does/ },
]

for (const { what, status, body, says } of sentences) {
  test(`${what} is told in a sentence, without asking again`, async (t) => {
    const { gitea, faults, seen } = await setup(t)
    faults.push(answer(/./, status, body, { location: 'http://127.0.0.1:1/stolen' }))

    await assert.rejects(gitea.status('acme/shop', commit, t.signal), (error: Error) => {
      assert.match(error.message, says)
      assert.doesNotMatch(error.message, /secret-detail/)
      return true
    })
    assert.equal(seen.length, 1)
  })
}

test('a refused token is said to be so, and shows in the health', async (t) => {
  const { gitea } = await setup(t, { token: 'wrong' })

  await assert.rejects(
    gitea.login(t.signal),
    /^GiteaError: Gitea refused the token \(401\)\. Check KUBE_AGENT_GITEA_TOKEN\.$/,
  )

  assert.equal(gitea.health().state, 'refused')
})

const cut: Fault = (_request, response) => {
  response.destroy()
  return true
}

/** A fault that happens only so many times. */
const times = (count: number, fault: Fault): Fault => {
  let left = count
  return (request, response) => (left-- > 0 ? fault(request, response) : undefined)
}

for (const [what, fault] of [
  ['a connection that breaks', cut],
  ['a proxy without its server', answer(/./, 502, '<html></html>')],
] as const) {
  test(`${what} is met with two more tries`, async (t) => {
    const { gitea, faults, seen } = await setup(t)
    faults.push(times(2, fault))

    assert.equal(await gitea.login(t.signal), 'kube-agent')
    assert.equal(seen.length, 3)
  })

  test(`${what} again and again is reported, and Gitea found when it is back`, async (t) => {
    const { gitea, faults, seen } = await setup(t)
    faults.push(times(3, fault))

    await assert.rejects(
      gitea.login(t.signal),
      /^Gitea\w+: Gitea (127\.0\.0\.1:\d+ cannot be reached \(|answered 502 \()/,
    )
    assert.equal(seen.length, 3)
    assert.equal(gitea.health().state, 'unreachable')

    assert.equal(await gitea.login(t.signal), 'kube-agent')
    assert.deepEqual(gitea.health(), { state: 'ready' })
  })
}

test('a Gitea that is away is named with the reason', async (t) => {
  const { gitea, stop } = await setup(t)
  await stop()

  await assert.rejects(
    gitea.login(t.signal),
    /^GiteaUnreachable: Gitea 127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)\.$/,
  )
})

test('a Gitea that does not answer is given up after the time that is set', async (t) => {
  const { gitea, faults } = await setup(t, { timeoutMs: 30 })
  faults.push(() => true)

  await assert.rejects(gitea.login(t.signal), /cannot be reached \(no answer within 0\.03 s\)\.$/)
})

test('a request that is called off is not reported as an outage', async (t) => {
  const { gitea, faults, seen } = await setup(t, { pauseMs: 3_600_000 })
  faults.push(cut)
  const stopping = new AbortController()

  const login = gitea.login(stopping.signal)
  const rejected = assert.rejects(login, { name: 'AbortError' })
  while (seen.length === 0) await new Promise((resolve) => setImmediate(resolve))
  stopping.abort()

  await rejected
})

test('an answer that is too large is not read to its end, and not asked for again', async (t) => {
  const { gitea, faults, seen } = await setup(t)
  faults.push(answer(/./, 200, 'x'.repeat(5 * 1024 * 1024)))

  await assert.rejects(gitea.login(t.signal), /larger than 4 MiB/)
  assert.equal(seen.length, 1)
})

test('no repository or commit name leads to another path', async (t) => {
  const { gitea, seen } = await setup(t)
  const names = ['acme', 'acme/..', '../x', 'acme/shop/keys', 'a b/c', 'acme/shop?x=1', 'acme/shop%2F..', '/', 'acme/']

  for (const name of names) await assert.rejects(gitea.status(name, commit, t.signal), /is no repository name/)
  for (const hash of ['main', '../../user', commit.toUpperCase(), `${commit}/x`, ''])
    await assert.rejects(gitea.status('acme/shop', hash, t.signal), /is no commit/)

  assert.deepEqual(seen, [])
})

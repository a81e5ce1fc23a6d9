import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { clone, recorded, secret, setup, shapeOf } from './gitea-visitor.ts'

test('a push arrives signed over its bytes, with the headers of a real Gitea', async (t) => {
  const { gitea, received } = await setup(t)

  const hash = await gitea.pushSample()
  const [delivery] = await received(1)

  const real = await recorded('push-plain')
  const ours = [
    'Host',
    'Content-Length',
    'Authorization',
    'Accept-Encoding',
    'connection',
    'accept',
    'accept-language',
    'sec-fetch-mode',
  ]
  const names = (headers: Record<string, string>) =>
    Object.keys(headers)
      .map((name) => name.toLowerCase())
      .filter((name) => !ours.some((one) => one.toLowerCase() === name))
      .sort()
  assert.deepEqual(names(delivery!.headers), names(real.headers))
  const header = new Map(Object.entries(delivery!.headers).map(([name, value]) => [name.toLowerCase(), value]))
  const digest = (algorithm: string) => createHmac(algorithm, secret).update(delivery!.body).digest('hex')
  assert.equal(header.get('x-gitea-event'), 'push')
  assert.equal(header.get('x-gitea-signature'), digest('sha256'))
  assert.equal(header.get('x-hub-signature-256'), `sha256=${digest('sha256')}`)
  assert.equal(header.get('x-hub-signature'), `sha1=${digest('sha1')}`)
  assert.equal(JSON.parse(delivery!.body).after, hash)
  assert.equal(delivery!.body, JSON.stringify(JSON.parse(delivery!.body), null, 2), 'indented, as Gitea writes it')
})

test('the body of a push has nothing that the body of a real one has not', async (t) => {
  const { gitea, received } = await setup(t)

  await gitea.pushSample()
  const [delivery] = await received(1)

  const real = [
    ...shapeOf(JSON.parse((await recorded('push-many')).body)),
    ...shapeOf(JSON.parse((await recorded('push-plain')).body)),
    // Lists that happen to be empty in the recordings.
    'commits[].modified[]: string',
    'head_commit.modified[]: string',
  ]
  assert.deepEqual(
    shapeOf(JSON.parse(delivery!.body)).filter((field) => !real.includes(field)),
    [],
  )
})

test('what git pushes is what the webhook tells: commits newest first, five at most, and their number', async (t) => {
  const { gitea, url, received } = await setup(t)
  const { git, commit } = await clone(t, url, gitea.token)
  const before = await git('rev-parse', 'HEAD')
  const hashes: string[] = []
  for (let index = 1; index <= 7; index++)
    hashes.push(await commit(`f${index}.txt`, 'x', `feat: change ${index}\n\nbody`))

  await git('push', '--quiet', 'origin', 'HEAD:main')
  const [delivery] = await received(1)

  const push = JSON.parse(delivery!.body)
  assert.deepEqual([push.ref, push.before, push.after], ['refs/heads/main', before, hashes.at(-1)])
  assert.equal(push.total_commits, 7)
  assert.deepEqual(
    push.commits.map(({ id }: { id: string }) => id),
    hashes.slice(-5).toReversed(),
  )
  assert.deepEqual(push.commits[0].added, ['f7.txt'])
  assert.equal(push.commits[0].message, 'feat: change 7\n\nbody\n')
  assert.equal(push.commits[0].author.name, 'Carol')
  assert.equal(push.pusher.login, 'kube-agent')
})

test('a new branch, a tag and a deleted branch are told as Gitea tells them', async (t) => {
  const { gitea, url, received } = await setup(t)
  const { git, commit } = await clone(t, url, gitea.token)
  const zeros = '0'.repeat(40)
  await commit('new.txt', 'x', 'feat: branch')

  await git('push', '--quiet', 'origin', 'HEAD:refs/heads/feature/x')
  await received(2)
  await git('push', '--quiet', 'origin', 'HEAD:refs/tags/v1')
  await received(4)
  await git('push', '--quiet', 'origin', ':refs/heads/feature/x')
  const deliveries = await received(5)

  const told = deliveries.map(({ headers, body }) => {
    const { ref, ref_type: type, before } = JSON.parse(body)
    return [headers['X-Gitea-Event'] ?? headers['x-gitea-event'], ref, before === zeros ? 'new' : type]
  })
  const sorted = (list: unknown[][]) => list.map(String).sort()
  assert.deepEqual(
    sorted(told),
    sorted([
      ['create', 'feature/x', 'branch'],
      ['push', 'refs/heads/feature/x', 'new'],
      ['create', 'v1', 'tag'],
      ['push', 'refs/tags/v1', 'new'],
      ['delete', 'feature/x', 'branch'],
    ]),
  )
})

test('a push needs the token, a clone does not', async (t) => {
  const { gitea, url } = await setup(t)
  const { git, commit } = await clone(t, url, gitea.token)
  await commit('x.txt', 'x', 'x')
  const withoutToken = `${url}/acme/shop.git`
  const wrongToken = withoutToken.replace('//', '//kube-agent:wrong@')

  assert.match(await git('ls-remote', withoutToken), /refs\/heads\/main/)
  await assert.rejects(
    git('push', '--quiet', withoutToken, 'HEAD:main'),
    /could not read Username|Authentication failed/,
  )
  await assert.rejects(git('push', '--quiet', wrongToken, 'HEAD:main'), /Authentication failed/)
})

test('CI judges each commit by its images, and a hook that answers badly does not hold it up', async (t) => {
  const { gitea, api, received } = await setup(t, { status: 500 })
  const main = (await api('/repos/acme/shop/branches/main')).body.commit.id

  const broken = await gitea.pushSample()
  const corrected = await gitea.pushSample()
  await received(2)

  const stateOf = async (hash: string) => {
    const { body } = await api(`/repos/acme/shop/commits/${hash}/status`)
    return [body.state, body.statuses.length]
  }
  assert.deepEqual(await stateOf(main), ['success', 1])
  assert.deepEqual(await stateOf(broken), ['failure', 1])
  assert.deepEqual(await stateOf(corrected), ['success', 1])
  const { body } = await api(`/repos/acme/shop/actions/runs?head_sha=${broken}`)
  const jobs = await api(`/repos/acme/shop/actions/runs/${body.workflow_runs[0].id}/jobs`)
  const log = await api(`/repos/acme/shop/actions/jobs/${jobs.body.jobs[0].id}/logs`)
  assert.match(log.text, /manifest unknown[\s\S]*exit code 1/)
})

test('who asks without a token, with a wrong one, or for what is not there gets what Gitea answers', async (t) => {
  const { api } = await setup(t)
  const asking = async (path: string, authorization: string) => {
    const { status, body, text } = await api(path, { headers: { authorization } })
    return [status, body?.message ?? text]
  }

  assert.deepEqual(await asking('/user', 'token wrong'), [401, 'invalid username, password or token'])
  assert.deepEqual(await asking('/repos/acme/shop', 'token wrong'), [401, 'invalid username, password or token'])
  assert.equal((await api('/repos/acme/nope')).status, 404)
  assert.equal((await api('/repos/acme/shop/branches/nope')).status, 404)
  assert.deepEqual((await api('/nope')).text, '404 page not found\n')
})

test('a hook that is made by the API receives, and a test delivery says that nothing moved', async (t) => {
  const { api, received, hookUrl } = await setup(t)
  const config = { url: `${hookUrl}?second`, content_type: 'json', secret }

  const made = await api('/repos/acme/shop/hooks', {
    method: 'POST',
    body: JSON.stringify({ type: 'gitea', config, events: ['push', 'nonsense'], active: true }),
  })
  const tested = await api(`/repos/acme/shop/hooks/${made.body.id}/tests`, { method: 'POST' })
  assert.deepEqual([made.status, made.body.events, tested.status], [201, ['push'], 204])

  const [delivery] = await received(1)
  const { before, after, commits } = JSON.parse(delivery!.body)
  assert.equal(before, after)
  assert.equal(commits.length, 1)
})

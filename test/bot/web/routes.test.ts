import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RoomId } from '../../../src/bot/platform.ts'
import { changes, comeIn, createPositions, openRoom } from './room.ts'

const json = { 'content-type': 'application/json' }
const token = 'a-long-login-token'

test('a stranger learns nothing but how to come in', async (t) => {
  const { url, visitor } = await openRoom(t)
  await (await visitor('alice')).say('the password is on the fridge')

  const state = await fetch(`${url}/web/state`)
  const others = await Promise.all(
    ['/web/events', '/web/thread?id=web%7Cops%7C1', '/web/file?message=web%7Cops%7C1'].map((path) => fetch(url + path)),
  )
  const said = await fetch(`${url}/web/messages`, { method: 'POST', headers: json, body: '{"room":"ops","text":"x"}' })

  assert.deepEqual(await state.json(), { needsToken: false })
  assert.deepEqual(
    [...others, said].map(({ status }) => status),
    [401, 401, 401, 401],
  )
})

test('with a token, only who knows it comes in', async (t) => {
  const { visitor } = await openRoom(t, { token })

  await assert.rejects(visitor('alice', 'a-wrong-token'), /401 .*not the login token/)
  const alice = await visitor('alice', token)

  assert.equal((await alice.get('/web/state')).status, 200)
})

test('who tries wrong tokens again and again has to wait, even with the right one', async (t) => {
  const { visitor, app } = await openRoom(t, { token })

  for (let attempt = 0; attempt < 10; attempt++) await assert.rejects(visitor('alice', 'wrong'), /401/)

  await assert.rejects(visitor('alice', token), /429 .*Wait a minute/)
  const payload = { name: 'alice', token }
  const elsewhere = await app.inject({ method: 'POST', url: '/web/login', payload, remoteAddress: '10.0.0.9' })
  assert.equal(elsewhere.statusCode, 200, 'others may still come in')
})

test('without a token only this machine is served', async (t) => {
  const { app } = await openRoom(t)

  const headers = { host: 'localhost' }
  const there = await app.inject({ url: '/web/', headers, remoteAddress: '192.0.2.7' })
  const here = await app.inject({ url: '/web/', headers, remoteAddress: '127.0.0.1' })

  assert.equal(there.statusCode, 403)
  assert.match(there.body, /KUBE_AGENT_WEB_TOKEN/)
  assert.equal(here.statusCode, 200)
})

test('without a token nothing is served through a proxy on this machine, which every visitor would seem to be', async (t) => {
  const { app } = await openRoom(t)
  const added = [
    { 'x-forwarded-for': '192.0.2.7' },
    { forwarded: 'for=192.0.2.7' },
    { via: '1.1 proxy' },
    { 'x-real-ip': '192.0.2.7' },
    { 'x-forwarded-host': 'ops.corp.example' },
    { 'x-forwarded-proto': 'https' },
  ]

  for (const headers of added) {
    const answer = await app.inject({ url: '/web/state', headers: { host: 'localhost', ...headers } })
    assert.equal(answer.statusCode, 403, JSON.stringify(headers))
    assert.match(answer.body, /not served through a proxy\. Set KUBE_AGENT_WEB_TOKEN/)
  }
})

test('with a token a proxy may stand before it', async (t) => {
  const { app } = await openRoom(t, { token: 'a-long-login-token' })

  const headers = { host: 'ops.corp.example', 'x-forwarded-for': '192.0.2.7' }
  assert.equal((await app.inject({ url: '/web/', headers })).statusCode, 200)
})

test('without a token no other name of this machine is served, so that no site can point its own name at it', async (t) => {
  const { app } = await openRoom(t)

  const answers = await Promise.all(
    ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:8080', 'localhost:8080', '[::1]:8080'].map(
      (host) => app.inject({ url: '/web/state', headers: { host } }),
    ),
  )

  assert.deepEqual(
    answers.map(({ statusCode }) => statusCode),
    [403, 403, 403, 200, 200],
  )
})

test('another site cannot speak for a visitor', async (t) => {
  const { url, visitor, events } = await openRoom(t)
  const { cookie } = await visitor('alice')
  const body = '{"room":"ops","text":"restart everything"}'
  const from = (headers: Record<string, string>) =>
    fetch(`${url}/web/messages`, { method: 'POST', headers: { cookie, ...headers }, body })

  const otherOrigin = await from({ ...json, origin: 'https://evil.example' })
  const sandboxed = await from({ ...json, origin: 'null' })
  const crossSite = await from({ ...json, 'sec-fetch-site': 'cross-site' })
  const form = await from({ 'content-type': 'text/plain' })
  const ownPage = await from({ ...json, origin: url })

  assert.deepEqual(
    [otherOrigin, sandboxed, crossSite, form, ownPage].map(({ status }) => status),
    [403, 403, 403, 415, 200],
  )
  assert.equal(events.length, 1)
})

test('the cookie is out of reach of scripts and of other sites, and nobody can write another name into it', async (t) => {
  const { url, visitor } = await openRoom(t)
  const { cookie } = await visitor('mallory')
  const login = await fetch(`${url}/web/login`, { method: 'POST', headers: json, body: '{"name":"alice"}' })

  const forged = cookie.replace('=mallory.', '=operator.')
  const state = await fetch(`${url}/web/state`, { headers: { cookie: forged } })

  assert.match(login.headers.get('set-cookie') ?? '', /; Path=\/web; HttpOnly; SameSite=Strict/)
  assert.deepEqual(await state.json(), { needsToken: false })
})

test('a new login token lets nobody in with a cookie of the old one; a restart with the same does', async (t) => {
  const positions = createPositions()
  const { cookie } = await (await openRoom(t, { token, positions })).visitor('alice', token)

  const restarted = await openRoom(t, { token, positions })
  const rotated = await openRoom(t, { token: 'another-login-token', positions })
  const me = async (url: string) =>
    ((await (await fetch(`${url}/web/state`, { headers: { cookie } })).json()) as { me?: string }).me

  assert.equal(await me(restarted.url), '@alice:web')
  assert.equal(await me(rotated.url), undefined)
})

test('nobody can be called like the bot, or anything that is no name', async (t) => {
  const { visitor } = await openRoom(t)

  for (const name of ['kube-agent', '', 'Alice', 'a b', '../x', 'a'.repeat(33), 'alice:corp'])
    await assert.rejects(visitor(name), /400/, name)
})

test('the page loads nothing from elsewhere and may not, runs no inline script, and cannot be framed', async (t) => {
  const { url } = await openRoom(t)

  const page = await fetch(`${url}/web/`)
  const html = await page.text()
  const script = await (await fetch(`${url}/web/app.js`)).text()
  const policy = page.headers.get('content-security-policy') ?? ''

  assert.match(policy, /default-src 'none'/)
  assert.match(policy, /script-src 'self'(;|$)/)
  assert.match(policy, /frame-ancestors 'none'/)
  assert.doesNotMatch(policy, /unsafe|\*/)
  assert.doesNotMatch(html, /(?:src|href)="(?:https?:)?\/\//)
  assert.doesNotMatch(html, /<script(?![^>]*src=)|\son\w+=/)
  assert.doesNotMatch(script, /https?:\/\//)
})

test('what a person says is shown as text, whatever it contains', async (t) => {
  const { visitor } = await openRoom(t)
  const alice = await visitor('alice')

  const thread = await alice.say('<img src=x onerror=alert(1)> **not bold**\nsecond line')

  const [message] = await alice.thread(thread)
  assert.equal(message?.html, '<p>&lt;img src=x onerror=alert(1)&gt; **not bold**<br>second line</p>')
})

test('a file is downloaded as plain text under a harmless name', async (t) => {
  const { web, visitor } = await openRoom(t)
  const file = { name: '../a "b".md', text: '<script>alert(1)</script>' }
  const { message } = await web.open('web|ops' as RoomId, { id: 'p-1', markdown: 'see the file', file })
  const alice = await visitor('alice')

  const answer = await alice.get(`/web/file?message=${encodeURIComponent(message)}`)

  assert.equal(await answer.text(), '<script>alert(1)</script>')
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/)
  assert.equal(answer.headers.get('content-disposition'), 'attachment; filename=".._a__b_.md"')
  assert.doesNotMatch(JSON.stringify(await alice.thread(message)), /script/, 'its text does not come with the thread')
})

test('words that nobody can say are refused with a sentence, and nothing reaches the bot', async (t) => {
  const { visitor, events } = await openRoom(t)
  const alice = await visitor('alice')

  const answers = await Promise.all([
    alice.post('/web/messages', { room: 'ops', text: '   ' }),
    alice.post('/web/messages', { room: 'ops', text: 'x'.repeat(20_001) }),
    alice.post('/web/messages', { room: 'secret', text: 'x' }),
    alice.post('/web/messages', { room: 'ops', text: 'x', thread: 'web|ops|77' }),
    alice.post('/web/marks', { message: 'web|ops|77', mark: 'approve', on: true }),
  ])

  assert.deepEqual(
    answers.map(({ status }) => status),
    [400, 400, 400, 404, 400],
  )
  for (const answer of answers) assert.match(((await answer.json()) as { error: string }).error, /^[A-Z].*\.$/)
  assert.deepEqual(events, [])
})

test('only a message that offers a choice can be marked', async (t) => {
  const { visitor, events } = await openRoom(t)
  const alice = await visitor('alice')
  const thread = await alice.say('hello')

  const answer = await alice.mark(thread, 'approve')

  assert.equal(answer.status, 400)
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['message'],
  )
})

test('before the bot listens nothing can be said, so nothing is lost', async (t) => {
  const { web, url } = await openRoom(t, { asleep: true })
  const alice = await comeIn(url, 'alice')

  await assert.rejects(alice.say('too early'), /503 .*Starting/)
  await web.start(async () => {})

  assert.deepEqual(await alice.threads(), [])
  assert.ok(await alice.say('now'))
})

test('a page is told of a change the moment it happens', async (t) => {
  const { url, visitor, web } = await openRoom(t)
  const alice = await visitor('alice')
  const stream = changes(url, alice.cookie, t.signal)
  await stream.next()

  await web.open('web|ops' as RoomId, { id: 'p-1', markdown: '**news**' })
  const { value = '' } = await stream.next()

  const change = JSON.parse(/^data: (.*)$/m.exec(value)?.[1] ?? '') as {
    thread: { title: string }
    message: { html: string }
  }
  assert.equal(change.thread.title, 'news')
  assert.equal(change.message.html, '<p><strong>news</strong></p>\n')
})

test('the number of open pages is bounded, and one that leaves makes room', async (t) => {
  const { url, visitor } = await openRoom(t)
  const { cookie } = await visitor('alice')
  const leaving = new AbortController()
  const first = changes(url, cookie, leaving.signal)
  await first.next()
  const others = Array.from({ length: 99 }, () => changes(url, cookie, t.signal))
  await Promise.all(others.map((stream) => stream.next()))

  await assert.rejects(changes(url, cookie, t.signal).next(), /503/)
  leaving.abort()

  for (;;) {
    const next = await fetch(`${url}/web/events`, { headers: { cookie }, signal: t.signal })
    if (next.ok) break
    await next.body?.cancel()
  }
})

test('`/` leads to the room', async (t) => {
  const { url } = await openRoom(t)

  const answer = await fetch(url, { redirect: 'manual' })

  assert.equal(answer.headers.get('location'), '/web/')
})

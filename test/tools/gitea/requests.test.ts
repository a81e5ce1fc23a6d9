import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Agent } from 'undici'
import * as z from 'zod'
import { createSandboxGitea } from '../../../sandbox/gitea/index.ts'
import { createGitea } from '../../../src/tools/gitea/client.ts'
import { deleteRepository } from '../../../src/tools/gitea/delete-repository.ts'
import { giteaTools } from '../../../src/tools/gitea/index.ts'
import { featuresOf } from '../../../src/tools/gitea/version.ts'
import type { ToolContext } from '../../../src/tools/tool.ts'
import { selfSigned } from '../../helpers/certificate.ts'
import { answer, type Fault, tap } from '../tap.ts'
import { caller } from './caller.ts'

/** The client and its tools on a sandbox Gitea; faults answer for it. */
async function setup(t: TestContext) {
  const sandbox = createSandboxGitea()
  t.after(() => sandbox.close())
  const wire = await tap(t, await sandbox.listen())
  const dispatcher = new Agent()
  t.after(() => dispatcher.destroy())
  const gitea = createGitea({ url: wire.url, token: sandbox.token, dispatcher, pauseMs: 1 })
  return { gitea, sandbox, ...wire, ...caller(giteaTools(gitea), { signal: t.signal }) }
}

const shop = { owner: 'acme', repo: 'shop' }

/** A server with this many items, which gives no more than `most` in a page and counts them if it `tells`. */
const counting =
  (count: number, most: number, tells: boolean): Fault =>
  ({ query }, response) => {
    const size = Math.min(most, Number(query.get('limit')))
    const start = (Number(query.get('page')) - 1) * size
    const items = Array.from({ length: count }, (_, index) => index).slice(start, start + size)
    response.writeHead(200, { 'content-type': 'application/json', ...(tells && { 'x-total-count': String(count) }) })
    response.end(JSON.stringify(items))
    return true
  }

test('a list is read page by page to its end, or as far as it is wanted', async (t) => {
  const { gitea, faults } = await setup(t)
  const list = (limit: number) => gitea.list('/api/v1/things', z.number(), { signal: t.signal, limit })

  faults[0] = counting(120, 50, true)
  assert.deepEqual(await list(500).then(({ items, more }) => [items.length, items.at(-1), more]), [120, 119, false])
  assert.deepEqual(await list(100).then(({ items, more, total }) => [items.length, more, total]), [100, true, 120])
  faults[0] = counting(120, 20, true)
  assert.equal((await list(500)).items.length, 120)
  faults[0] = counting(100, 50, false)
  assert.deepEqual(await list(500).then(({ items, more }) => [items.length, more]), [100, false])
  faults[0] = answer(/./, 200, 'null')
  assert.deepEqual(await list(500), { items: [], more: false, total: undefined })
})

test('a repository that was renamed is told with its new name, and nothing is sent there', async (t) => {
  const { call, faults, seen } = await setup(t)
  faults.push(answer(/GET .*shop$/, 301, '<a>', { location: '/api/v1/repos/acme/store' }))

  await assert.rejects(
    call('gitea_get_repo', { owner: 'acme', name: 'shop' }),
    /This repository is called acme\/store now/,
  )
  await assert.rejects(
    call('gitea_delete_repo', { owner: 'acme', name: 'shop' }),
    /This repository is called acme\/store now/,
  )

  assert.ok(!seen.some(({ path, method }) => path.includes('store') || method === 'DELETE'))
})

const removed = { owner: 'acme', name: 'shop' }
const endings: [string, Fault, RegExp][] = [
  [
    'a connection that breaks',
    (request, response) => (request.method === 'DELETE' ? response.destroy() !== undefined : undefined),
    /^OutcomeUnknown: Whether it was done is unknown/,
  ],
  ['a proxy that gives up', answer(/^DELETE/, 504, '<html>'), /^OutcomeUnknown: /],
  ['an answer that is none of Gitea', answer(/^DELETE/, 200, '<html>'), /^OutcomeUnknown: /],
  [
    'a redirect',
    answer(/^DELETE/, 301, '', { location: '/api/v1/repos/acme/store' }),
    /^GiteaError: .*called acme\/store now/,
  ],
  [
    'a refusal',
    answer(/^DELETE/, 403, { message: 'user should be the owner of the repo' }),
    /^GiteaError: .*user should be the owner/,
  ],
]

for (const [what, fault, says] of endings) {
  test(`${what} at a change is told for what it is; the change is sent once`, async (t) => {
    const { call, faults, seen } = await setup(t)
    faults.push(fault)

    await assert.rejects(call('gitea_delete_repo', removed), says)

    assert.equal(seen.filter(({ method }) => method === 'DELETE').length, 1)
  })
}

test('a change for a server whose certificate has expired since was surely not done', async (t) => {
  const { gitea, preview } = await setup(t)
  const certificate = selfSigned({ until: new Date('2020-01-01') })
  const server = createServer(certificate, (_, response) => response.end('{}'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const dispatcher = new Agent({ connect: { ca: certificate.cert } })
  t.after(() => dispatcher.destroy())
  const url = `https://localhost:${(server.address() as AddressInfo).port}`
  const later = createGitea({ url, token: 'token', dispatcher })
  const shown = await preview('gitea_delete_repo', removed)

  await assert.rejects(
    deleteRepository({ ...gitea, send: later.send }).run(removed, shown, { signal: t.signal } as ToolContext),
    /^GiteaUnreachable: Gitea localhost:\d+ cannot be reached \(CERT_HAS_EXPIRED\)\.$/,
  )
})

test('a deletion shows what is lost, and is not done when something was pushed meanwhile', async (t) => {
  const { preview, approve, sandbox, seen } = await setup(t)

  const shown = await preview('gitea_delete_repo', removed)
  await sandbox.pushSample()

  assert.match(
    shown.affects.join('\n'),
    /acme\/shop, 25 KiB, public.*\nlast commit \w{10}, .* by alice: The shop and its manifests/,
  )
  await assert.rejects(approve('gitea_delete_repo', removed, shown), /the target changed/)
  assert.ok(!seen.some(({ method }) => method === 'DELETE'))
})

test('an approved change goes to the very object that the call names', async (t) => {
  const { preview, approve } = await setup(t)
  const shown = await preview('gitea_delete_repo', removed)
  const elsewhere = { ...shown, request: { ...shown.request, path: '/api/v1/repos/acme/other' } }

  await assert.rejects(approve('gitea_delete_repo', removed, elsewhere), /another object than this call names/)
})

const versions: [string, string[] | undefined, object][] = [
  ['1.24.7', undefined, { forge: 'Gitea', runs: false, rerun: false, compareDiff: false }],
  ['1.25.5', undefined, { forge: 'Gitea', runs: true, rerun: false, compareDiff: false }],
  ['1.26.4', undefined, { forge: 'Gitea', runs: true, rerun: true, compareDiff: false }],
  ['1.27.0+dev-12-gabc', undefined, { forge: 'Gitea', runs: true, rerun: true, compareDiff: true }],
  ['12.0.4+gitea-1.22.0', ['/repos/{owner}/{repo}/actions/runs'], { forge: 'Forgejo', runs: false, rerun: false }],
  ['development', ['/repos/{owner}/{repo}/actions/runs/{run}/jobs'], { forge: 'unknown', runs: true, rerun: false }],
  ['development', undefined, { forge: 'unknown', runs: false, rerun: false }],
]

for (const [version, paths, expected] of versions) {
  test(`what ${version} can do${paths ? ` with ${paths}` : ''}`, () => {
    const found = featuresOf(version, paths && new Set(paths))

    assert.deepEqual({ ...found, ...expected }, found)
  })
}

test('the version is asked once; what it cannot do is told with the version that can', async (t) => {
  const { call, faults, seen } = await setup(t)
  faults.push(answer(/\/version$/, 200, { version: '1.24.7' }))

  await assert.rejects(
    call('gitea_get_run', { ...shop, run: 1 }),
    /Looking into a run needs Gitea 1\.25 or newer; this server is Gitea 1\.24\.7/,
  )
  await assert.rejects(call('gitea_rerun', { ...shop, run: 1 }), /Running again needs Gitea 1\.26/)

  assert.equal(seen.filter(({ path }) => path.endsWith('/version')).length, 1)
})

test('a server that was away when its version was asked is asked again', async (t) => {
  const { gitea, faults } = await setup(t)
  faults.push(answer(/\/version$/, 500, ''))
  await assert.rejects(gitea.features(t.signal))

  faults.pop()

  assert.equal((await gitea.features(t.signal)).forge, 'Gitea')
})

test('a merge waits while Gitea is still checking, and calls it a conflict only then', async (t) => {
  const { gitea, faults } = await setup(t)
  const pull = {
    number: 1,
    title: 'Fix',
    state: 'open',
    base: { ref: 'main' },
    head: { ref: 'fix', sha: 'a'.repeat(40) },
    user: null,
    mergeable: false,
  }
  let looks = 0
  faults.push((request, response) => {
    if (!request.path.endsWith('/pulls/1')) return undefined
    looks++
    return answer(/./, 200, { ...pull, mergeable: looks === 3 })(request, response)
  })
  faults.push(answer(/\.diff$/, 200, '+fixed\n'))
  const { mergePull } = await import('../../../src/tools/gitea/merge-pull.ts')
  const { preview } = caller([mergePull(gitea, 1)], { signal: t.signal })

  const shown = await preview('gitea_merge_pull', { ...shop, number: 1 })
  assert.equal(looks, 3)
  assert.deepEqual(JSON.parse(shown.request.body), {
    Do: 'merge',
    head_commit_id: 'a'.repeat(40),
    delete_branch_after_merge: false,
  })
  assert.equal(shown.diff, '+fixed\n')

  await assert.rejects(preview('gitea_merge_pull', { ...shop, number: 1 }), /has conflicts with main/)
})

test('paths of files lead nowhere else', async (t) => {
  const { call, preview, seen } = await setup(t)
  const paths = ['../x', 'a/../../x', '/etc/passwd', 'a//b', '.git/config', 'a/.GIT/x', 'a\\b', 'a\0b', '']

  for (const path of paths) {
    await assert.rejects(call('gitea_read_file', { ...shop, path }), /is no path of a file/)
    await assert.rejects(
      preview('gitea_propose_change', { ...shop, title: 'x', files: [{ path, content: 'x' }] }),
      /is no path of a file/,
    )
  }

  assert.ok(seen.every(({ path }) => !path.includes('/contents')))
})

test('a proposed change shows a diff, sends base64, and warns of workflows', async (t) => {
  const { preview } = await setup(t)
  const files = [
    { path: 'README.md', content: '# shop\n' },
    { path: '.gitea/workflows/ci.yml', content: null },
    { path: 'new.txt', content: 'new\n' },
  ]

  const shown = await preview('gitea_propose_change', { ...shop, title: 'Less', files: JSON.stringify(files) })

  const body = JSON.parse(shown.request.body)
  assert.deepEqual(
    body.files.map((file: { operation: string; content?: string }) => [
      file.operation,
      file.content && Buffer.from(file.content, 'base64').toString(),
    ]),
    [
      ['update', '# shop\n'],
      ['delete', undefined],
      ['create', 'new\n'],
    ],
  )
  assert.ok(body.files[0].sha && !body.files[2].sha)
  assert.match(shown.diff, /^-The web shop/m)
  assert.match(shown.diff, /^\+new$/m)
  assert.match(shown.affects.join('\n'), /changes CI workflows.*\.gitea\/workflows\/ci\.yml/)
  assert.ok(!shown.shown?.includes(body.files[0].content))
  await assert.rejects(
    preview('gitea_propose_change', { ...shop, title: 'None', files: [{ path: 'no.txt', content: null }] }),
    /is not in main/,
  )
})

test('a webhook to the bot itself is not made from a chat, which would see its secret: the command that makes one is named', async (t) => {
  const { preview, seen } = await setup(t)

  for (const target_url of ['http://kube-agent.ops.svc:8080/webhooks/gitea', 'https://corp/bot/webhooks/gitea/'])
    await assert.rejects(
      preview('gitea_create_webhook', { ...shop, target_url }),
      /signed ones only.*`kube-agent webhook install acme\/shop`/,
    )

  assert.deepEqual(seen, [])
})

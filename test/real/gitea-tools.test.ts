import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Agent } from 'undici'
import { createWorkspace } from '../../src/tools/git/workspace.ts'
import { createGitea } from '../../src/tools/gitea/client.ts'
import { createTools } from '../../src/tools/index.ts'
import { type Caller, caller } from '../tools/gitea/caller.ts'
import { until } from './lib/matrix-person.ts'
import { type Server, startGitea } from './lib/servers.ts'

const workflow = (script: string) => `name: CI
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - name: prepare
        run: echo ready
      - name: unit tests
        run: |
          ${script}
`

const failing = `printf '\\033[31mFAIL\\033[0m two_plus_two: expected 4, got 5\\n'; exit 3`

let server: Server
let admin: Api
let bot: Caller
let owner: Caller
let token: string
const org = `acme${randomBytes(3).toString('hex')}`
const shop = { owner: org, repo: 'shop' }
const data = mkdtempSync(join(tmpdir(), 'kube-agent-gitea-tools-'))
const dispatcher = new Agent()
const workspace = createWorkspace({ folder: join(data, 'clones'), roots: ['/tmp'] })

type Api = <Answer>(method: string, path: string, body?: object) => Promise<Answer>

before(async () => {
  server = await startGitea()
  admin = api(`token ${server.env.GITEA_ADMIN_TOKEN}`)
  await admin('POST', '/orgs', { username: org })
  await admin('POST', `/orgs/${org}/repos`, { name: 'shop', auto_init: true, default_branch: 'main' })
  const worker = await account('worker', ['write:repository', 'write:issue', 'read:user'])
  const maker = await account('maker', ['write:repository', 'write:user'])
  await admin('PUT', `/repos/${org}/shop/collaborators/${worker.login}`, { permission: 'write' })
  token = worker.token
  bot = toolsFor(worker.token)
  owner = toolsFor(maker.token)
})

after(async () => {
  await dispatcher.destroy()
  await server?.[Symbol.asyncDispose]()
  rmSync(data, { recursive: true, force: true })
})

function api(authorization: string): Api {
  return async (method, path, body) => {
    const answer = await fetch(`${server.env.GITEA_URL}/api/v1${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text ? JSON.parse(text) : undefined
  }
}

async function account(name: string, scopes: string[]): Promise<{ login: string; token: string }> {
  const login = `${name}${randomBytes(3).toString('hex')}`
  const password = randomBytes(12).toString('hex')
  await admin('POST', '/admin/users', {
    username: login,
    password,
    email: `${login}@example.test`,
    must_change_password: false,
  })
  const basic = api(`Basic ${Buffer.from(`${login}:${password}`).toString('base64')}`)
  const made = await basic<{ sha1: string }>('POST', `/users/${login}/tokens`, { name: 'bot', scopes })
  return { login, token: made.sha1 }
}

function toolsFor(token: string, thread = 'one'): Caller {
  const client = createGitea({ url: server.env.GITEA_URL ?? '', token, dispatcher })
  const rules = { maxReplicas: 1 }
  const disk = { roots: ['/tmp'], dataDir: data, workspace }
  const tools = createTools({ cluster: undefined, rules, gitea: { client, token }, disk })
  return caller(tools.values(), { thread, signal: AbortSignal.timeout(180_000) })
}

const fileOf = (path: string, ref = 'main') =>
  admin<{ content: string; sha: string }>('GET', `/repos/${org}/shop/contents/${path}?ref=${ref}`)

test('what is there is read with a token of the least scopes', async () => {
  assert.match(await bot.call('gitea_list_repos', { match: 'shop' }), new RegExp(`${org}/shop +main`))
  assert.match(await bot.call('gitea_get_repo', { owner: org, name: 'shop' }), /the bot may write/)
  assert.match(await bot.call('gitea_list_branches', shop), /^BRANCH.*\nmain /)
  assert.match(await bot.call('gitea_list_users', { match: 'worker' }), /worker/)
  assert.match(await bot.call('gitea_list_commits', shop), /Initial commit/)
  assert.match(await bot.call('gitea_list_files', shop), /README\.md/)
  assert.match(await bot.call('gitea_list_files', { ...shop, match: 'read' }), /README\.md/)
  assert.match(await bot.call('gitea_read_file', { ...shop, path: 'README.md' }), /# shop/)
})

test('what is missing is named with what there is instead', async () => {
  await assert.rejects(
    bot.call('gitea_get_repo', { owner: org, name: 'shopp' }),
    new RegExp(`not found.*It sees: .*${org}/shop`),
  )
  await assert.rejects(bot.call('gitea_read_file', { ...shop, path: 'no/such.txt' }), /no\/such\.txt is not in/)
  await assert.rejects(bot.call('gitea_list_webhooks', shop), /does not allow this for the bot's account \(403.*admin/)
})

let pull: number

test('a proposed change is one commit on a new branch and a pull request, with exactly what was shown', async () => {
  const files = [
    { path: '.gitea/workflows/ci.yml', content: workflow(failing) },
    { path: 'README.md', content: '# shop\n\nSells things – all of them.\n' },
  ]
  const args = { ...shop, title: 'Say what it sells', body: 'And test it.', files }

  const shown = await bot.preview('gitea_propose_change', args)
  const done = await bot.approve('gitea_propose_change', args, shown)

  assert.match(shown.diff, /\+Sells things – all of them\./)
  assert.ok(shown.affects.some((line) => line.includes('changes CI workflows')))
  pull = Number(/pull request #(\d+) was opened/.exec(done)?.[1])
  const branch = /new branch (\S+),/.exec(done)?.[1] ?? ''
  for (const { path, content } of files)
    assert.equal(Buffer.from((await fileOf(path, encodeURIComponent(branch))).content, 'base64').toString(), content)
  assert.match(await bot.call('gitea_list_pulls', shop), /Say what it sells/)
  const seen = await bot.call('gitea_get_pull', { ...shop, number: pull })
  assert.match(seen, /README\.md \(\+/)
  assert.match(seen, /\+Sells things/)
  const compared = await bot.call('gitea_compare', { ...shop, base: 'main', head: branch })
  assert.match(compared, /1 commits in/)
  await assert.rejects(bot.preview('gitea_propose_change', args), /was proposed before/)
  await assert.rejects(
    bot.preview('gitea_create_pull', { ...shop, head: branch, title: 'Again' }),
    /is open for these branches/,
  )
})

let run: number

test('a run that failed is found, with the step, its exit code and its output without colours and times', async () => {
  await until(
    async () => /\bfailure\b/.test(await bot.call('gitea_list_runs', { ...shop, status: 'failure' })),
    () => 'a failed run',
  )
  run = Number(/\n(\d+) +failure/.exec(await bot.call('gitea_list_runs', shop))?.[1])

  const seen = await bot.call('gitea_get_run', { ...shop, run })
  const log = await bot.call('gitea_get_job_log', { ...shop, job: Number(/job (\d+) test: failure/.exec(seen)?.[1]) })

  assert.match(seen, /unit tests: failure/)
  assert.match(log, /Failed step: .*unit tests.*; exit code 3/)
  assert.match(log, /^FAIL two_plus_two: expected 4, got 5$/m)
  assert.doesNotMatch(log, /^ready$/m)
})

test('what failed is run again', async () => {
  const done = await bot.call('gitea_rerun', { ...shop, run })

  assert.match(done, /runs again/)
  await until(
    async () => /\(failure\)/.test(await bot.call('gitea_get_run', { ...shop, run })),
    () => 'the run to fail again',
  )
})

test('comments, issues and statuses are made', async () => {
  const [commit] = await admin<{ sha: string }[]>('GET', `/repos/${org}/shop/commits?sha=main`)

  assert.match(await bot.call('gitea_comment', { ...shop, number: pull, body: 'The test fails.' }), /was made/)
  assert.match(
    await bot.call('gitea_create_issue', { ...shop, title: 'Two plus two', body: 'is five' }),
    /Issue #\d+ was opened/,
  )
  assert.match(
    await bot.call('gitea_set_status', { ...shop, sha: commit?.sha, state: 'success', context: 'kube-agent' }),
    /is success now/,
  )
  assert.match(
    await bot.call('gitea_get_commit', { ...shop, sha: commit?.sha.slice(0, 10) }),
    /Initial commit[\s\S]*\+# shop/,
  )
})

test('a pull request that has moved since it was shown is not merged', async () => {
  const args = { ...shop, number: pull }
  const shown = await bot.preview('gitea_merge_pull', args)
  const stale = {
    ...shown,
    request: { ...shown.request, body: shown.request.body.replace(/[0-9a-f]{40}/, '0'.repeat(40)) },
  }

  await assert.rejects(bot.approve('gitea_merge_pull', args, stale), /the branch has moved/)
  assert.match(await bot.approve('gitea_merge_pull', args, shown), /was merged/)
  assert.match(await bot.call('gitea_get_pull', args), /\(merged\)/)
})

const at = { path: '/tmp/shop' }
/** What a file tool does in a clone. */
const write = (file: string, text: string, thread = 'one') =>
  writeFileSync(join(workspace.place(thread, at.path).folder, file), text)

test('a clone has its files, and its token nowhere', async () => {
  assert.match(
    await bot.call('gitea_clone_repo', { repo_url: `${server.env.GITEA_URL}/${org}/shop.git`, ...at }),
    /is cloned to \/tmp\/shop/,
  )

  const { folder } = workspace.place('one', at.path)
  assert.match(readFileSync(join(folder, 'README.md'), 'utf8'), /all of them/)
  const everything = readdirSync(data, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
  assert.ok(everything.length > 5)
  assert.ok(!everything.some((text) => text.includes(token)))
  assert.match(await bot.call('gitea_git_status', at), /Nothing was changed/)
})

test('a file of a clone is read, and written as people saw it', async () => {
  assert.match(await bot.call('file_list', at), /README\.md/)
  assert.match(await bot.call('file_read', { path: '/tmp/shop/README.md' }), /all of them/)
  const args = { path: '/tmp/shop/deploy/api.yaml', content: 'image: api:2\n' }

  const shown = await bot.preview('file_write', args)
  await bot.approve('file_write', args, shown)

  assert.match(shown.diff, /\+image: api:2/)
  assert.match(await bot.call('gitea_git_status', at), /added: deploy\/api\.yaml/)
})

test('what is pushed is the very tree that was shown, whatever is written meanwhile', async () => {
  write('values.yaml', 'replicas: 3\n')
  const args = { ...at, message: 'Raise the replicas' }
  assert.match(await bot.call('gitea_git_status', at), /added: values\.yaml[\s\S]*\+replicas: 3/)

  const shown = await bot.preview('gitea_commit_and_push', args)
  const done = await bot.approve('gitea_commit_and_push', args, shown)

  assert.match(done, /was pushed to .* main/)
  assert.match(shown.diff, /\+replicas: 3/)
  // The hash of a commit says what is in its tree.
  const [commit] = await admin<{ sha: string }[]>('GET', `/repos/${org}/shop/commits?sha=main`)
  assert.ok(shown.request.body.startsWith(`${commit?.sha}:refs/heads/main\n`))
  assert.match(await bot.call('gitea_git_status', at), /Nothing was changed/)

  write('values.yaml', 'replicas: 4\n')
  const later = await bot.preview('gitea_commit_and_push', args)
  write('values.yaml', 'replicas: 400\n')
  await assert.rejects(bot.approve('gitea_commit_and_push', args, later), /the target changed/)
})

test('a push to a branch of its own becomes a pull request', async () => {
  assert.match(
    await bot.call('gitea_commit_and_push', { ...at, message: 'Far more replicas', branch: 'more/replicas' }),
    /was pushed to .* more\/replicas/,
  )
  assert.match(
    await bot.call('gitea_create_pull', { ...shop, head: 'more/replicas', title: 'Far more replicas' }),
    /Pull request #\d+ was opened/,
  )
})

test('threads do not share a work tree; a clone that is behind is pulled before it is pushed', async () => {
  const other = toolsFor(token, 'two')
  await other.call('gitea_clone_repo', { repo_url: `${org}/shop`, ...at })
  write('values.yaml', 'replicas: 5\n', 'two')
  const { sha } = await fileOf('README.md')
  await admin('PUT', `/repos/${org}/shop/contents/README.md`, {
    content: Buffer.from('# new\n').toString('base64'),
    sha,
    message: 'Meanwhile',
    branch: 'main',
  })

  await assert.rejects(
    other.preview('gitea_commit_and_push', { ...at, message: 'Five' }),
    /has other commits on the server/,
  )
  assert.match(await other.call('gitea_git_pull', at), /Meanwhile now\. Changed:\nM\tREADME\.md/)
  assert.match(await other.call('gitea_commit_and_push', { ...at, message: 'Five' }), /was pushed/)
  assert.match(readFileSync(join(workspace.place('one', at.path).folder, 'values.yaml'), 'utf8'), /400/)
})

test('a repository is made with a webhook, renamed, and deleted with what people should know shown', async () => {
  const { login } = await admin<{ login: string }>('GET', '/user')
  assert.ok(login)
  const made = await owner.call('gitea_create_repo', { name: 'charts', description: 'Helm', private: 'true' })
  const name = /Repository (\S+) was created/.exec(made)?.[1] ?? ''
  const [maker = ''] = name.split('/')
  const charts = { owner: maker, repo: 'charts' }
  assert.match(
    await owner.call('gitea_create_webhook', {
      ...charts,
      target_url: 'http://127.0.0.1:9/hook?key=secret',
      events: 'push,status',
    }),
    /Webhook \d+ .* for (push, status|status, push)\./,
  )
  const hooks = await owner.call('gitea_list_webhooks', charts)
  assert.match(hooks, /active +http:\/\/127\.0\.0\.1:9\/hook\?…/)
  assert.doesNotMatch(hooks, /secret/)

  await admin('PATCH', `/repos/${name}`, { name: 'helm' })
  await assert.rejects(
    owner.call('gitea_get_repo', { owner: maker, name: 'charts' }),
    new RegExp(`is called ${maker}/helm now`),
  )
  await assert.rejects(
    owner.preview('gitea_delete_repo', { owner: maker, name: 'charts' }),
    new RegExp(`is called ${maker}/helm now`),
  )
  await assert.rejects(bot.preview('gitea_delete_repo', { owner: org, name: 'shop' }), /only its owner can/)

  const args = { owner: maker, name: 'helm' }
  const shown = await owner.preview('gitea_delete_repo', args)
  assert.match(
    shown.affects.join('\n'),
    new RegExp(`${maker}/helm, \\d+ KiB, private[\\s\\S]*last commit .* Initial commit[\\s\\S]*no open pull requests`),
  )
  assert.match(await owner.approve('gitea_delete_repo', args, shown), /was deleted/)
  await assert.rejects(owner.call('gitea_get_repo', args), /not found/)
})

test('a token without the scope is told which one it lacks', async () => {
  const { token: poor } = await account('poor', ['read:user'])
  await assert.rejects(
    toolsFor(poor).call('gitea_get_repo', { owner: org, name: 'shop' }),
    /lacks the scope read:repository/,
  )
})

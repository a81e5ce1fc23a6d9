import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Agent } from 'undici'
import { createSandboxGitea } from '../../../sandbox/gitea/index.ts'
import { repositoryIn } from '../../../src/tools/git/clone.ts'
import { createGit, withoutCredentials } from '../../../src/tools/git/git.ts'
import { createGitHome } from '../../../src/tools/git/home.ts'
import { gitTools } from '../../../src/tools/git/index.ts'
import { createWorkspace } from '../../../src/tools/git/workspace.ts'
import { createGitea } from '../../../src/tools/gitea/client.ts'
import { isBranch } from '../../../src/tools/gitea/paths.ts'
import { caller } from '../gitea/caller.ts'

const path = '/work/shop'

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'kube-agent-git-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The git tools on a sandbox Gitea with `acme/shop`. `argv` is what git was called with. */
async function setup(t: TestContext) {
  const sandbox = createSandboxGitea()
  t.after(() => sandbox.close())
  const [url, data] = [await sandbox.listen(), temporary(t)]
  const dispatcher = new Agent()
  t.after(() => dispatcher.destroy())
  const argv = recordArguments(t, data)
  const gitea = createGitea({ url, token: sandbox.token, dispatcher })
  const workspace = createWorkspace({ folder: join(data, 'clones'), roots: ['/work'] })
  const options = { gitea, token: sandbox.token, workspace, dataDir: data }
  const as = (thread: string, limits: { mostBytes?: number } = {}) =>
    caller(gitTools({ ...options, ...limits }), { thread, signal: t.signal })
  const { folder } = workspace.place('one', path)
  return { sandbox, url, data, workspace, folder, argv, as, ...as('one') }
}

/** Puts a program before git that notes its arguments. */
function recordArguments(t: TestContext, folder: string): () => string {
  const [bin, log] = [mkdtempSync(join(folder, 'bin-')), join(folder, 'argv')]
  const real = execFileSync('which', ['git'], { encoding: 'utf8' }).trim()
  writeFileSync(join(bin, 'git'), `#!/bin/sh\nprintf '%s\\n' "$@" >> '${log}'\nexec '${real}' "$@"\n`)
  chmodSync(join(bin, 'git'), 0o755)
  const before = process.env.PATH
  process.env.PATH = `${bin}:${before}`
  t.after(() => {
    process.env.PATH = before
  })
  return () => readFileSync(log, 'utf8')
}

test('a clone, a change, its status and its push are one way, and the token is in no argument and no file', async (t) => {
  const { call, folder, data, sandbox, argv, preview, approve } = await setup(t)
  const args = { path, message: 'Say more\n\nBecause it is too little.' }

  assert.match(
    await call('gitea_clone_repo', { repo_url: 'acme/shop', path }),
    /acme\/shop main is cloned to \/work\/shop/,
  )
  writeFileSync(join(folder, 'README.md'), '# shop\n\nMore.\n')
  assert.match(await call('gitea_git_status', { path }), /changed: README\.md[\s\S]*\+More\./)
  const shown = await preview('gitea_commit_and_push', args)
  assert.match(await approve('gitea_commit_and_push', args, shown), /was pushed to acme\/shop main/)

  assert.match(
    shown.request.body,
    /^[0-9a-f]{40}:refs\/heads\/main\ntree [0-9a-f]{40}\nparent [0-9a-f]{40}\n\nSay more\n\nBecause/,
  )
  assert.match(await call('gitea_git_status', { path }), /Nothing was changed/)
  assert.match(argv(), /commit-tree/)
  assert.doesNotMatch(argv(), new RegExp(sandbox.token))
  const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  assert.ok(files.some(({ name }) => name === '.gitconfig'))
  for (const { parentPath, name } of files)
    assert.ok(!readFileSync(join(parentPath, name), 'latin1').includes(sandbox.token), name)
})

test('what is written after the approval was asked for is not pushed', async (t) => {
  const { call, folder, preview, approve } = await setup(t)
  const args = { path, message: 'Say more' }
  await call('gitea_clone_repo', { repo_url: 'acme/shop', path })
  writeFileSync(join(folder, 'README.md'), 'shown\n')
  const shown = await preview('gitea_commit_and_push', args)

  writeFileSync(join(folder, 'README.md'), 'not shown\n')

  await assert.rejects(approve('gitea_commit_and_push', args, shown), /the target changed/)
})

test('two threads have two work trees at the same path, and the later push has to pull first', async (t) => {
  const { as, workspace, call, folder } = await setup(t)
  const two = as('two')
  await call('gitea_clone_repo', { repo_url: 'acme/shop', path })
  await two.call('gitea_clone_repo', { repo_url: 'acme/shop', path })
  writeFileSync(join(folder, 'one.txt'), 'one\n')
  writeFileSync(join(workspace.place('two', path).folder, 'two.txt'), 'two\n')

  await call('gitea_commit_and_push', { path, message: 'One' })
  await assert.rejects(two.preview('gitea_commit_and_push', { path, message: 'Two' }), /other commits on the server/)
  assert.match(await two.call('gitea_git_pull', { path }), /One now\. Changed:\nA\tone\.txt/)
  assert.match(await two.call('gitea_commit_and_push', { path, message: 'Two' }), /was pushed/)

  assert.ok(!existsSync(join(folder, 'two.txt')))
  assert.match(await call('gitea_git_pull', { path }), /two\.txt/)
})

test('links, filters and other programs of a repository do nothing', async (t) => {
  const house = await setup(t)
  const { call, folder, data } = house
  await call('gitea_clone_repo', { repo_url: 'acme/shop', path })
  const hook = join(folder, '.git', 'hooks')
  assert.ok(!existsSync(hook) || readdirSync(hook).length === 0)
  execFileSync('mkdir', ['-p', hook])
  for (const name of ['pre-commit', 'pre-push', 'post-checkout', 'reference-transaction']) {
    writeFileSync(join(hook, name), `#!/bin/sh\ntouch '${join(data, 'ran')}'\n`)
    chmodSync(join(hook, name), 0o755)
  }
  writeFileSync(join(folder, '.gitattributes'), '* filter=evil diff=evil\n')
  writeFileSync(join(folder, 'text.txt'), 'text\n')
  symlinkSync('/etc/passwd', join(folder, 'link'))

  const { diff } = await house.preview('gitea_commit_and_push', { path, message: 'Try it' })
  await call('gitea_commit_and_push', { path, message: 'Try it' })
  const other = house.as('two')
  await other.call('gitea_clone_repo', { repo_url: 'acme/shop', path })

  assert.ok(!existsSync(join(data, 'ran')))
  assert.doesNotMatch(diff, /root:/)
  const link = join(house.workspace.place('two', path).folder, 'link')
  assert.ok(lstatSync(link).isFile())
  assert.equal(readFileSync(link, 'utf8'), '/etc/passwd')
})

test('a change that cannot be shown is not asked for', async (t) => {
  const { call, folder, preview } = await setup(t)
  const args = { path, message: 'Try it' }
  await call('gitea_clone_repo', { repo_url: 'acme/shop', path })

  await assert.rejects(preview('gitea_commit_and_push', args), /Nothing was changed/)
  writeFileSync(join(folder, 'picture'), Buffer.from([1, 0, 2]))
  await assert.rejects(preview('gitea_commit_and_push', args), /picture is no text/)
  writeFileSync(join(folder, 'picture'), 'line of text\n'.repeat(30_000))
  await assert.rejects(preview('gitea_commit_and_push', args), /larger than 256 KiB/)
})

test('a clone that grows too large is ended and leaves nothing', async (t) => {
  const { call, folder, as, workspace } = await setup(t)
  await call('gitea_clone_repo', { repo_url: 'acme/shop', path })
  writeFileSync(join(folder, 'large'), `${randomBytes(100_000).toString('hex')}\n`)
  await call('gitea_commit_and_push', { path, message: 'More' })
  const two = as('two', { mostBytes: 100_000 })

  await assert.rejects(two.call('gitea_clone_repo', { repo_url: 'acme/shop', path }), /grew beyond 1 MiB/)

  assert.ok(!existsSync(workspace.place('two', path).folder))
})

test('a path without a clone is told with those that there are; clones are not put into each other', async (t) => {
  const { call } = await setup(t)
  await assert.rejects(call('gitea_git_status', { path }), /no clone at \/work\/shop in this thread\. Clones: none/)
  await call('gitea_clone_repo', { repo_url: 'acme/shop', path })

  await assert.rejects(call('gitea_git_pull', { path: '/work/other' }), /Clones: \/work\/shop\./)
  await assert.rejects(
    call('gitea_clone_repo', { repo_url: 'acme/shop', path: `${path}/inner` }),
    /inside of each other/,
  )
  await assert.rejects(
    call('gitea_clone_repo', { repo_url: 'acme/shop', path: '/etc/shop' }),
    /outside of what may be touched/,
  )
  await assert.rejects(call('gitea_clone_repo', { repo_url: 'acme/shop', path: '/work/../etc' }), /must not contain/)
  assert.match(await call('gitea_clone_repo', { repo_url: 'acme/shop', path }), /is a clone of acme\/shop\.git already/)
})

test('clones that nobody used for a week make room, those of a thread go with it', async (t) => {
  const folder = temporary(t)
  const workspace = createWorkspace({ folder, roots: ['/work'], mostBytes: 1_000 })
  for (const thread of ['old', 'new', 'gone']) {
    const { folder } = workspace.place(thread, path)
    execFileSync('mkdir', ['-p', folder])
    writeFileSync(join(folder, 'file'), 'x'.repeat(400))
  }
  const old = join(workspace.place('old', path).folder, '..')
  utimesSync(old, 0, 0)

  await workspace.makeRoom(100)
  assert.ok(!existsSync(old))
  await assert.rejects(workspace.makeRoom(500), /no room for this clone/)
  await workspace.remove('gone')
  await workspace.makeRoom(500)
  assert.equal((await workspace.clones('new')).length, 1)
})

for (const given of [
  'acme/shop',
  'http://git.test:3000/sub/acme/shop',
  'http://git.test:3000/sub/acme/shop.git',
  'https://u:p@git.test/sub/acme/shop.git/',
  'git@git.test:acme/shop.git',
  'ssh://git@git.test:22/acme/shop.git',
]) {
  test(`${given} names a repository of our own Gitea`, () => {
    assert.deepEqual(repositoryIn(given, { url: 'http://git.test:3000/sub' }), { owner: 'acme', repo: 'shop' })
  })
}

for (const given of [
  'https://evil.test/acme/shop',
  'http://git.test.evil/sub/acme/shop',
  'ext::sh -c id',
  'file:///etc',
  '/etc',
  '--upload-pack=id',
  'git@evil.test:acme/shop',
  'http://git.test/sub/acme/..',
  'http://git.test/sub/acme/shop/raw',
  '',
]) {
  test(`${JSON.stringify(given)} is cloned from nowhere`, () => {
    assert.throws(() => repositoryIn(given, { url: 'http://git.test/sub' }), { name: 'Refusal' })
  })
}

test('names that mean more than a branch are none', () => {
  const wrong = [
    '-x',
    '--output=x',
    '+main',
    'a b',
    'a..b',
    '/a',
    'a/',
    'a//b',
    'a.lock',
    '.a',
    'a/.b',
    'HEAD',
    'refs/heads/a',
    'a@{1}',
    'a~1',
    'a^',
    'a:b',
    'a\\b',
    'a;b',
    '$(id)',
    'é',
    '',
    'a'.repeat(101),
    'a\n',
  ]
  assert.deepEqual(wrong.filter(isBranch), [])
  assert.deepEqual(
    ['main', 'release/2.8', 'fix-1', 'a.b'].filter((name) => !isBranch(name)),
    [],
  )
})

/** Git with the rules of a home, beside a server. */
function bare(t: TestContext, url: string) {
  const folder = temporary(t)
  const home = createGitHome({ folder: join(folder, 'home'), url, author: { name: 'bot', email: 'b@x' } })
  return { folder, home, git: createGit({ home, token: 'sesame' }) }
}

test('the token is given to our own server and to no other', (t) => {
  const { home } = bare(t, 'https://git.test:8443/sub')
  const fill = (host: string, protocol = 'https') =>
    spawnSync('git', ['credential', 'fill'], {
      input: `protocol=${protocol}\nhost=${host}\n\n`,
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        HOME: home,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_TERMINAL_PROMPT: '0',
        BOT_GIT_USER: 'bot',
        BOT_GIT_TOKEN: 'sesame',
      },
    }).stdout

  assert.match(fill('git.test:8443'), /password=sesame/)
  for (const host of ['git.test', 'git.test:443', 'evil.test', 'git.test.evil:8443', 'evil.test:8443'])
    assert.doesNotMatch(fill(host), /sesame/, host)
  assert.doesNotMatch(fill('git.test:8443', 'http'), /sesame/)
})

test('other protocols are closed', async (t) => {
  const { git, folder } = bare(t, 'https://git.test')

  for (const url of [
    'ext::touch ran',
    `file://${folder}`,
    folder,
    'ssh://git.test/x',
    'git://git.test/x',
    'http://git.test/x',
  ])
    await assert.rejects(git(['ls-remote', url], { folder, signal: t.signal }), /not allowed|ext/, url)
  assert.ok(!existsSync(join(folder, 'ran')))
})

test('a server that never answers is given up, by time and by who asked', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { git, folder } = bare(t, url)
  const stopping = new AbortController()

  await assert.rejects(
    git(['ls-remote', `${url}/a/b.git`], { folder, signal: t.signal, ms: 300 }),
    /did not end within 0\.3 s/,
  )
  const asked = git(['ls-remote', `${url}/a/b.git`], { folder, signal: stopping.signal })
  const rejected = assert.rejects(asked, { name: 'AbortError' })
  await new Promise((resolve) => server.once('connection', resolve))
  stopping.abort()
  await rejected
})

test('an output that is too large ends git', async (t) => {
  const { git, folder } = bare(t, 'https://git.test')

  await assert.rejects(git(['help', '--all'], { folder, signal: t.signal, maxBytes: 100 }), /printed more than/)
})

test('no error text has the token in any form', () => {
  const basic = Buffer.from('kube-agent:se/same').toString('base64')
  const text = `fatal: https://x:se/same@git.test se%2Fsame ${basic}\n> Authorization: Basic abc\nend`

  const clean = withoutCredentials(text, 'se/same')

  assert.doesNotMatch(clean, /se\/same|se%2Fsame|Basic/)
  assert.ok(!clean.includes(basic))
  assert.match(clean, /git\.test[\s\S]*end$/)
})

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileTools } from '../../../src/tools/files/index.ts'
import { below, type FileRoots, openFolder, placeOf } from '../../../src/tools/files/root.ts'
import { writeFile } from '../../../src/tools/files/write.ts'
import { createWorkspace } from '../../../src/tools/git/workspace.ts'
import { caller } from '../gitea/caller.ts'

/** A root with a file, beside a folder with a secret and the bot's own data; and a clone of the thread "one" at `<root>/charts`. */
function setup(t: TestContext) {
  const base = mkdtempSync(join(tmpdir(), 'kube-agent-files-'))
  t.after(() => rmSync(base, { recursive: true }))
  const [root, outside, dataDir] = [join(base, 'root'), join(base, 'outside'), join(base, 'root', 'data')]
  for (const folder of [root, outside, dataDir]) mkdirSync(folder)
  writeFileSync(join(outside, 'secret'), 'hunter2')
  writeFileSync(join(dataDir, 'kube-agent.db'), 'hunter2')
  writeFileSync(join(root, 'notes.txt'), 'one\ntwo\nthree\n')
  const workspace = createWorkspace({ folder: join(dataDir, 'clones'), roots: [root] })
  const clone = workspace.place('one', `${root}/charts`)
  mkdirSync(join(clone.folder, '.git'), { recursive: true })
  writeFileSync(join(clone.folder, '.git', 'config'), '[core]\n')
  writeFileSync(join(clone.folder, 'values.yaml'), 'replicas: 2\n')
  const roots: FileRoots = { roots: [root], workspace, dataDir }
  const as = (thread: string) => caller(fileTools(roots), { thread, signal: t.signal })
  return { root, outside, roots, clone, as, ...as('one') }
}

test('a file is read, from a line on, and folders are listed without what is hidden', async (t) => {
  const { root, call } = setup(t)
  writeFileSync(join(root, '.netrc'), 'hunter2')

  assert.equal(await call('file_read', { path: 'notes.txt' }), 'one\ntwo\nthree\n')
  assert.equal(await call('file_read', { path: `${root}/notes.txt`, line: 3 }), 'Lines 3 to 3 of 3:\nthree')
  const listed = await call('file_list', { path: root })
  assert.match(listed, /notes\.txt +14/)
  assert.match(listed, /charts\/ +clone/)
  assert.doesNotMatch(listed, /netrc/)
})

test('the clone of a thread is where the thread says, and other threads do not see it', async (t) => {
  const { root, call, as } = setup(t)

  assert.equal(await call('file_read', { path: `${root}/charts/values.yaml` }), 'replicas: 2\n')
  assert.match(await call('file_list', { path: `${root}/charts` }), /^NAME +BYTES\nvalues\.yaml +12$/)
  await assert.rejects(as('two').call('file_read', { path: `${root}/charts/values.yaml` }), /does not exist/)
})

test('a written file is what was shown, with a diff; its mode stays', async (t) => {
  const { root, clone, preview, approve, call } = setup(t)
  const args = { path: `${root}/charts/values.yaml`, content: 'replicas: 3\n' }
  execFileSync('chmod', ['750', join(clone.folder, 'values.yaml')])

  const shown = await preview('file_write', args)
  assert.equal(readFileSync(join(clone.folder, 'values.yaml'), 'utf8'), 'replicas: 2\n')
  await approve('file_write', args, shown)

  assert.match(shown.diff, /^-replicas: 2\n\+replicas: 3$/m)
  assert.equal(readFileSync(join(clone.folder, 'values.yaml'), 'utf8'), 'replicas: 3\n')
  assert.equal(statSync(join(clone.folder, 'values.yaml')).mode & 0o777, 0o750)
  await call('file_write', { path: `${root}/charts/templates/new/config.yaml`, content: 'a: 1\n' })
  assert.equal(readFileSync(join(clone.folder, 'templates/new/config.yaml'), 'utf8'), 'a: 1\n')
  assert.deepEqual(readdirSync(join(clone.folder, 'templates/new')), ['config.yaml'])
})

test('a file that changed since it was shown is not overwritten', async (t) => {
  const { root, preview, approve } = setup(t)
  const args = { path: 'notes.txt', content: 'mine\n' }

  const shown = await preview('file_write', args)
  writeFileSync(join(root, 'notes.txt'), 'theirs\n')

  await assert.rejects(approve('file_write', args, shown), /the target changed/)
  assert.equal(readFileSync(join(root, 'notes.txt'), 'utf8'), 'theirs\n')
})

const made = (_what: unknown, path: string): string => path

const ways: [string, (at: { root: string; outside: string }) => string, RegExp][] = [
  ['a path outside', () => '/etc/passwd', /outside of what may be touched/],
  ['a path beside the root', ({ root }) => `${root}-other/x`, /outside of what may be touched/],
  ['a way up', ({ root }) => `${root}/../outside/secret`, /must not contain "\.\."/],
  ['a zero byte', ({ root }) => `${root}/notes.txt\0.png`, /no path/],
  [
    'a link to a file',
    ({ root, outside }) => made(symlinkSync(join(outside, 'secret'), join(root, 'link')), `${root}/link`),
    /symbolic link/,
  ],
  [
    'a link to a folder',
    ({ root, outside }) => made(symlinkSync(outside, join(root, 'folder')), `${root}/folder/secret`),
    /symbolic link/,
  ],
  [
    'a hard link',
    ({ root, outside }) => made(linkSync(join(outside, 'secret'), join(root, 'hard')), `${root}/hard`),
    /hard link/,
  ],
  ['a pipe', ({ root }) => made(execFileSync('mkfifo', [join(root, 'pipe')]), `${root}/pipe`), /no ordinary file/],
  ['the data of the bot', ({ root }) => `${root}/data/kube-agent.db`, /own data/],
  ['a hidden file', ({ root }) => `${root}/.ssh/id_rsa`, /hidden/],
  ['what git keeps', ({ root }) => `${root}/charts/.git/config`, /git keeps/],
  ['what git keeps, in other letters', ({ root }) => `${root}/charts/.GIT/config`, /git keeps/],
  ['what git keeps, as Windows calls it', ({ root }) => `${root}/charts/git~1/config`, /git keeps/],
  ['a folder', ({ root }) => `${root}/charts`, /is a folder/],
]

for (const [what, path, says] of ways) {
  test(`${what} is neither read nor written`, async (t) => {
    const { call, preview, ...at } = setup(t)
    const given = path(at)

    await assert.rejects(call('file_read', { path: given }), says)
    await assert.rejects(preview('file_write', { path: given, content: 'x' }), says)
    assert.equal(readFileSync(join(at.outside, 'secret'), 'utf8'), 'hunter2')
  })
}

test('a root that is the data of the bot is closed', async (t) => {
  const { root, roots } = setup(t)
  const { call } = caller(fileTools({ ...roots, dataDir: root }), { signal: t.signal, thread: 'two' })

  await assert.rejects(call('file_read', { path: 'notes.txt' }), /own data/)
  await assert.rejects(call('file_list', { path: root }), /own data/)
})

test('a device is not read', async (t) => {
  const { roots } = setup(t)
  const devices = caller(fileTools({ ...roots, roots: ['/dev'] }), { signal: t.signal })

  await assert.rejects(devices.call('file_read', { path: '/dev/zero' }), /no ordinary file/)
})

test('a folder that is exchanged for a link after the check leads nowhere else', async (t) => {
  const { root, outside, roots } = setup(t)
  mkdirSync(join(root, 'sub'))
  writeFileSync(join(root, 'sub', 'secret'), 'harmless')
  const place = await placeOf(roots, 'one', `${root}/sub/secret`)
  const folder = await openFolder(place, ['sub'], roots)
  t.after(() => folder.close())

  renameSync(join(root, 'sub'), join(root, 'moved'))
  symlinkSync(outside, join(root, 'sub'))

  assert.equal(await readFile(below(folder, 'secret'), 'utf8'), 'harmless')
})

test('what is approved for one file is not written to another, nor over a link that took its place', async (t) => {
  const { root, outside, roots, preview } = setup(t)
  const shown = await preview('file_write', { path: 'notes.txt', content: 'mine\n' })
  const write = writeFile(roots)
  const context = { signal: t.signal, thread: 'one', maxBytes: 1_000, log: undefined as never }

  await assert.rejects(
    write.run({ path: 'other.txt', content: 'mine\n' }, shown, context),
    /goes to another object than this call names/,
  )
  rmSync(join(root, 'notes.txt'))
  symlinkSync(join(outside, 'secret'), join(root, 'notes.txt'))
  await assert.rejects(write.run({ path: 'notes.txt', content: 'mine\n' }, shown, context), /not replaced/)
  assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'hunter2')
})

test('what is no text or too large is refused', async (t) => {
  const { root, call } = setup(t)
  writeFileSync(join(root, 'picture'), Buffer.from([0x89, 0x50, 0, 1]))
  writeFileSync(join(root, 'latin'), Buffer.from([0xe9, 0x0a]))
  writeFileSync(join(root, 'large'), 'x'.repeat(1024 * 1024 + 1))

  for (const path of ['picture', 'latin']) await assert.rejects(call('file_read', { path }), /is no text/)
  await assert.rejects(call('file_read', { path: 'large' }), /larger than 1024 KiB/)
  await assert.rejects(call('file_write', { path: 'new', content: 'x'.repeat(1024 * 1024 + 1) }), /At most 1024 KiB/)
})

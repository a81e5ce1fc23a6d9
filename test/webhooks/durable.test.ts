import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { plain, pushOf, sign } from './receiver.ts'

const program = fileURLToPath(new URL('../bench/receiver.ts', import.meta.url))

test('every delivery that was acknowledged is there after the process was killed in the midst of many', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kube-agent-durable-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, DATA_DIR: folder, PORT: '0', SECRET: plain.secret },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const [url] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]

  const acknowledged: string[] = []
  const commits = Array.from({ length: 600 }, (_, index) => createHash('sha1').update(`${index}`).digest('hex'))
  await Promise.all(commits.map((commit) => deliver(url.trim(), commit)))
  async function deliver(address: string, commit: string): Promise<void> {
    const body = pushOf(commit)
    const headers = {
      'content-type': 'application/json',
      'x-gitea-delivery': commit,
      'x-gitea-event': 'push',
      'x-gitea-signature': sign(body),
    }
    const answer = await fetch(`${address}/webhooks/gitea`, { method: 'POST', body, headers }).catch(() => undefined)
    if (answer?.status === 202 && acknowledged.push(commit) === 150) child.kill('SIGKILL')
  }

  const database = new DatabaseSync(join(folder, 'kube-agent.sqlite'))
  t.after(() => database.close())
  const stored = new Set(
    (database.prepare('SELECT data FROM jobs').all() as { data: string }[]).map(({ data }) => JSON.parse(data).after),
  )
  assert.ok(acknowledged.length >= 150 && acknowledged.length < commits.length, `${acknowledged.length}`)
  assert.deepEqual(
    acknowledged.filter((commit) => !stored.has(commit)),
    [],
  )
})

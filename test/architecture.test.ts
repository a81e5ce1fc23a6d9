import assert from 'node:assert/strict'
import { glob, readFile } from 'node:fs/promises'
import { posix } from 'node:path'
import { test } from 'node:test'

/** Who may import whom inside src/. A file directly in src/ is an area of its own; `commands` and `main` may import all. */
const mayImport: Record<string, string[]> = {
  checkpoint: [],
  nearest: [],
  signal: [],
  inbox: ['checkpoint'],
  store: [],
  log: [],
  metrics: [],
  audit: [],
  config: ['nearest'],
  http: ['metrics'],
  tools: ['signal', 'nearest'],
  agent: ['tools', 'checkpoint'],
  bot: ['agent', 'tools', 'signal', 'inbox', 'checkpoint', 'nearest'],
  webhooks: ['signal', 'inbox'],
  sandbox: [],
}

/** Types cost nothing at run time, so these may be known by their type alone. */
const mayImportTypes = ['audit', 'metrics', 'log', 'inbox', 'store']

const area = (path: string): string => (path.split('/')[1] ?? '').replace(/\.ts$/, '')

for await (const file of glob('src/**/*.ts')) {
  const from = area(file)
  if (from === 'main' || from === 'commands') continue
  test(`${file} imports only what ${from} may import`, async () => {
    const source = await readFile(file, 'utf8')
    for (const [, typeOnly, target] of source.matchAll(/^import (type )?[^'"]*?from '(\.[^']+)'/gms)) {
      const to = area(posix.join(posix.dirname(file), target ?? ''))
      const allowed = to === from || mayImport[from]?.includes(to) || (typeOnly && mayImportTypes.includes(to))
      assert.ok(
        allowed,
        `${from} must not import ${to} (${target}): pass the value in as an argument, see docs/architecture.md`,
      )
    }
  })
}

test('src/sandbox is imported by the demo alone', async () => {
  for await (const file of glob('src/**/*.ts')) {
    if (area(file) === 'sandbox' || file === 'src/commands/demo.ts') continue
    assert.doesNotMatch(await readFile(file, 'utf8'), /from '[^']*\/sandbox\//, file)
  }
})

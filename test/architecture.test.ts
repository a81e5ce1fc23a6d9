import assert from 'node:assert/strict'
import { glob, readFile } from 'node:fs/promises'
import { posix } from 'node:path'
import { test } from 'node:test'

/** Who may import whom inside src/, from the bottom up. A file directly in src/ is a room of its own. */
const mayImport: Record<string, string[]> = {
  checkpoint: [],
  signal: [],
  repository: ['signal'],
  log: [],
  metrics: [],
  audit: [],
  text: [],
  storage: ['checkpoint', 'text'],
  http: ['metrics', 'text'],
  config: ['text'],
  tools: ['http', 'repository', 'signal', 'text'],
  agent: ['checkpoint', 'http', 'text', 'tools'],
  bot: ['agent', 'checkpoint', 'http', 'signal', 'text', 'tools'],
  webhooks: ['repository', 'signal', 'text'],
  service: [
    'agent',
    'audit',
    'bot',
    'config',
    'http',
    'log',
    'metrics',
    'signal',
    'storage',
    'text',
    'tools',
    'webhooks',
  ],
  commands: [
    'agent',
    'bot',
    'config',
    'http',
    'log',
    'metrics',
    'repository',
    'service',
    'storage',
    'text',
    'tools',
    'webhooks',
  ],
  main: ['commands', 'config', 'text'],
}

/** Types cost nothing at run time, so these may be known by their type alone. */
const mayImportTypes = ['audit', 'metrics', 'log', 'storage']

const room = (path: string): string => (path.split('/')[1] ?? '').replace(/\.ts$/, '')
const imports = /(?:^import (type )?[^'"]*?from |import\()'(\.[^']+)'/gms

for await (const file of glob('src/**/*.ts')) {
  const from = room(file)
  test(`${file} imports only what ${from} may import`, async () => {
    const source = await readFile(file, 'utf8')
    for (const [, typeOnly, target] of source.matchAll(imports)) {
      const path = posix.join(posix.dirname(file), target ?? '')
      if (!path.startsWith('src/')) continue
      const to = room(path)
      const allowed = to === from || mayImport[from]?.includes(to) || (typeOnly && mayImportTypes.includes(to))
      assert.ok(
        allowed,
        `${from} must not import ${to} (${target}): pass the value in as an argument, see docs/architecture.md`,
      )
    }
  })
}

/**
 * What makes a text safe by itself stands behind `fromOutside`: whoever takes a part of it forgets another, or does it after the cut. Those
 * who may, and what for.
 */
const mayClean: Record<string, string[]> = {
  // The literal request: what people approve is what runs, so nothing in it is removed.
  'src/bot/render.ts': ['visible', 'codeBlock'],
  // What a terminal shows was cleaned by the bot; escapes of the terminal itself are its own affair.
  'src/bot/terminal/clean.ts': ['visible'],
  // Blocks of a post that go along as a file.
  'src/bot/mattermost/content.ts': ['codeBlock'],
  // Who looks at a cluster from a terminal sees what the cluster shows them: it is made visible, and nothing is removed.
  'src/commands/analyze/index.ts': ['visible'],
  'src/commands/analyze/interactive.ts': ['visible'],
  'src/commands/analyze/terminal.ts': ['visible'],
}
/** In code; a comment may say what it likes. */
const casts = /^(?!\s*(?:\/?\*|\/\/)).*\bas (?:Markdown|ModelText)\b/m
const cleaners = /\b(?:redact|createRedact|visible|fence|escapeMarkdown|codeBlock|linked)\b/g
const fromText = /^import \{([^}]*)\} from '(?:\.{1,2}\/)+text\/(?:fence|markdown|secrets\/index)\.ts'/gm

test('text from outside is cleaned in one place', async () => {
  const found: Record<string, string[]> = {}
  for await (const file of glob('src/**/*.ts')) {
    if (file.startsWith('src/text/')) continue
    const source = await readFile(file, 'utf8')
    assert.doesNotMatch(source, casts, file)
    const names = [...source.matchAll(fromText)].flatMap(([, imported = '']) => imported.match(cleaners) ?? [])
    if (names.length > 0) found[file] = names
  }
  assert.deepEqual(found, mayClean, 'text from outside goes through fromOutside (src/text/outside.ts)')
})

test('the sandbox is imported by the demo alone, so that an image can leave it out', async () => {
  for await (const file of glob('src/**/*.ts')) {
    if (file === 'src/commands/demo.ts') continue
    assert.doesNotMatch(await readFile(file, 'utf8'), /'(?:\.\.\/)+sandbox\//, file)
  }
})

test('the sandbox knows nothing of the product: what it shows is what a server would', async () => {
  for await (const file of glob('sandbox/**/*.ts')) {
    assert.doesNotMatch(await readFile(file, 'utf8'), /'(?:\.\.\/)+src\//, file)
  }
})

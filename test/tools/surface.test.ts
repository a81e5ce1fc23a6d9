import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { encode } from 'gpt-tokenizer/encoding/o200k_base'
import { toolSchema } from '../../src/agent/model.ts'
import { systemPrompt } from '../../src/agent/prompt.ts'
import { createWorkspace } from '../../src/tools/git/workspace.ts'
import type { Gitea } from '../../src/tools/gitea/client.ts'
import { createTools, missingSettings } from '../../src/tools/index.ts'
import type { Tool, ToolContext } from '../../src/tools/tool.ts'
import { matchesGolden } from './golden.ts'
import { setup } from './kubernetes/house.ts'

const diskAt = (dataDir: string) => ({
  roots: ['/tmp'],
  dataDir,
  workspace: createWorkspace({ folder: join(dataDir, 'clones'), roots: ['/tmp'] }),
})

const rules = { maxReplicas: 50 }
/** Nothing of it is asked here. */
const gitea = { client: { url: 'http://gitea.test' } as Gitea, token: 'token' }

test('what the model sees of the tools', async (t) => {
  const { tools } = await setup(t)

  await matchesGolden('tools.json', JSON.stringify([...tools.values()].map(toolSchema), null, 2))
})

test('tools are sorted by name, and a second set has the same bytes', async (t) => {
  const { cluster, tools } = await setup(t)
  const bytes = (some: typeof tools) => JSON.stringify([...some.values()].map(toolSchema))
  const names = [...tools.keys()]

  assert.deepEqual(names, names.toSorted())
  assert.equal(bytes(createTools({ cluster, rules })), bytes(tools))
})

/** The longest system prompt there is. */
function longestPrompt(): string {
  const prompts = (['observe', 'approve', 'auto'] as const).flatMap((mode) =>
    (['en', 'ko'] as const).map((language) =>
      systemPrompt({ namespace: 'shop', namespaces: ['shop', 'web', 'ops'], mode, language }),
    ),
  )
  return prompts.toSorted((a, b) => b.length - a.length)[0]!
}

const tokensOf = (tools: Map<string, Tool>): number =>
  encode(longestPrompt() + JSON.stringify([...tools.values()].map(toolSchema))).length

test('system prompt and all tools for a cluster take less than 2,000 tokens', async (t) => {
  const { tools } = await setup(t)
  const tokens = tokensOf(tools)

  assert.ok(tokens < 2_000, `${tokens} tokens`)
})

test('with those for Gitea, git and files they take less than 4,000 tokens', async (t) => {
  const { cluster } = await setup(t)
  const tokens = tokensOf(createTools({ cluster, rules, gitea, disk: diskAt('/nonexistent') }))

  assert.ok(tokens < 4_000, `${tokens} tokens`)
})

test('these tools change something, and no others', async (t) => {
  const { tools } = await setup(t)
  const changing = [...tools.values()].filter(({ effect }) => effect !== 'read')

  assert.deepEqual(
    changing.map(({ name }) => name),
    [
      'k8s_apply',
      'k8s_cordon',
      'k8s_delete_pod',
      'k8s_restart_deployment',
      'k8s_rollout_undo',
      'k8s_scale_deployment',
      'k8s_uncordon',
    ],
  )
})

test('every Kubernetes tool says which rights its account needs, and no more than reads where it only reads', async (t) => {
  const { tools } = await setup(t)

  for (const { name, effect, rights = [] } of tools.values()) {
    assert.notDeepEqual(rights, [], `${name} declares no rights`)
    assert.ok(!rights.some(({ resource, group }) => resource === '*' || group === '*'), `${name} asks for everything`)
    const verbs = new Set(rights.flatMap((right) => right.verbs))
    const writes = [...verbs].filter((verb) => !['get', 'list'].includes(verb))
    assert.equal(writes.length > 0, effect !== 'read', `${name} is ${effect} and may ${[...verbs].join(', ')}`)
  }
  const reading = [...tools.values()].flatMap(({ rights = [] }) =>
    rights.filter(({ resource }) => resource === 'secrets'),
  )
  assert.deepEqual(
    [...new Set(reading.flatMap(({ verbs }) => verbs))],
    ['list'],
    'contents of secrets are never needed',
  )
})

test('what the model sees of the tools for Gitea, git and files: less than 3,500 tokens more', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'kube-agent-surface-'))
  t.after(() => rmSync(dataDir, { recursive: true }))
  const tools = createTools({ cluster: undefined, rules, gitea, disk: diskAt(dataDir) })

  const shown = JSON.stringify([...tools.values()].map(toolSchema), null, 2)

  await matchesGolden('gitea-tools.json', shown)
  assert.ok(encode(JSON.stringify(JSON.parse(shown))).length < 3_500)
  for (const tool of tools.values()) {
    if (!tool.name.startsWith('gitea_')) continue
    assert.notDeepEqual(tool.scopes ?? [], [], `${tool.name} declares no scopes`)
    const writes = tool.scopes?.some((scope) => scope.startsWith('write:'))
    assert.equal(writes, tool.effect !== 'read', `${tool.name} is ${tool.effect} and needs ${tool.scopes}`)
  }
})

test('what is changed outside of a cluster has no namespace, whatever the call says', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'kube-agent-surface-'))
  t.after(() => rmSync(dataDir, { recursive: true }))
  const tools = createTools({ cluster: undefined, rules, gitea, disk: diskAt(dataDir) })
  const input = { owner: 'acme', repo: 'shop', name: 'shop', path: '/tmp/shop', namespace: 'shop' }

  for (const tool of tools.values()) {
    if (tool.effect === 'read') continue
    const { namespace, name } = await tool.target(input, {} as ToolContext)
    assert.deepEqual([namespace, name.endsWith('shop')], [undefined, true], tool.name)
  }
})

test('without Gitea there are no tools for it, and a call of one is told which settings are missing', () => {
  const tools = createTools({ cluster: undefined, rules, disk: diskAt('/nonexistent') })

  assert.deepEqual([...tools.keys()], ['file_list', 'file_read', 'file_write'])
  assert.deepEqual(missingSettings('gitea_get_repo', { url: 'http://gitea.test' }), ['KUBE_AGENT_GITEA_TOKEN'])
  assert.deepEqual(missingSettings('gitea_get_repo', {}), ['KUBE_AGENT_GITEA_URL', 'KUBE_AGENT_GITEA_TOKEN'])
  assert.deepEqual(missingSettings('k8s_top', {}), [])
})

test('without a cluster there are no cluster tools', () => {
  assert.deepEqual([...createTools({ cluster: undefined, rules }).keys()], [])
})

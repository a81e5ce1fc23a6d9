// biome-ignore-all lint/suspicious/noTemplateCurlyInString: rules hold CEL in such places
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { customAnalyzers, type Rule } from '../../../src/tools/analyzers/custom.ts'
import { analyze } from '../../../src/tools/analyzers/run.ts'
import { parseSelector } from '../../../src/tools/analyzers/selector.ts'
import { type ApiServer, refuses, startApiServer } from './api-server.ts'

const shop = '/apis/stable.example/v1/namespaces/shop'

const rule = (more: Partial<Rule> = {}): Rule => ({
  name: 'NoTeam',
  kind: 'Widget',
  when: '!has(object.metadata.labels) || !("team" in object.metadata.labels)',
  text: 'Widget ${object.metadata.name} of size ${object.spec.size} belongs to no team.',
  severity: 'warning',
  ...more,
})

const widget = (name: string, more: object = {}) => ({
  metadata: { name, namespace: 'shop', ...more },
  spec: { size: 3 },
})

/** A server that has widgets beside its own kinds. */
async function house(t: TestContext, widgets: object[]): Promise<ApiServer> {
  const server = await startApiServer(t)
  server.faults.push((request) => {
    if (request.url === '/api') return { items: [group('', 'v1', 'Secret', 'secrets')] }
    if (request.url === '/apis') return { items: [group('stable.example', 'v1', 'Widget', 'widgets')] }
    return undefined
  })
  server.objects['/api/v1/namespaces/shop'] = []
  server.objects[`${shop}/widgets`] = widgets
  return server
}

const group = (name: string, version: string, kind: string, resource: string) => ({
  metadata: { name },
  versions: [
    {
      version,
      resources: [{ resource, responseKind: { kind }, scope: 'Namespaced', singularResource: kind.toLowerCase() }],
    },
  ],
})

const run = ({ cluster }: ApiServer, rules: Rule[], more: { labels?: ReturnType<typeof parseSelector> } = {}) =>
  analyze({
    cluster,
    analyzers: [],
    probes: customAnalyzers(rules),
    namespaces: ['shop'],
    signal: AbortSignal.timeout(30_000),
    ...more,
  })

test('a rule of ones own finds objects of any kind, reads all of them and says what it was told to', async (t) => {
  const widgets = Array.from({ length: 600 }, (_, index) => widget(`w${index}`, { labels: { team: 'a' } }))
  const server = await house(t, [...widgets, widget('lonely')])

  const { findings, unchecked, stats } = await run(server, [rule()])

  assert.deepEqual(unchecked, [])
  assert.equal(stats[0]?.analyzer, 'NoTeam')
  assert.deepEqual(findings, [
    {
      object: { kind: 'Widget', name: 'lonely', namespace: 'shop' },
      owner: { kind: 'Widget', name: 'lonely', namespace: 'shop' },
      reason: 'NoTeam',
      severity: 'warning',
      confidence: 'medium',
      text: 'Widget lonely of size 3 belongs to no team.',
      evidence: [{ object: { kind: 'Widget', name: 'lonely', namespace: 'shop' }, path: 'rule', value: rule().when }],
      next: 'k8s_get kind=Widget name=lonely namespace=shop',
    },
  ])
})

for (const kind of ['widgets', 'widgets.stable.example', 'widget', 'stable.example/v1/Widget']) {
  test(`the kind may be called ${kind}`, async (t) => {
    const { findings } = await run(await house(t, [widget('lonely')]), [rule({ kind })])

    assert.equal(findings.length, 1)
  })
}

test('several objects of one owner are one finding that names the others', async (t) => {
  const ownerReferences = [{ kind: 'Factory', name: 'main', controller: true }]
  const server = await house(t, [widget('one', { ownerReferences }), widget('two', { ownerReferences })])

  const { findings } = await run(server, [rule()])

  assert.deepEqual(
    findings.map(({ owner, text }) => [owner.name, text]),
    [['main', 'Widget one of size 3 belongs to no team; the same holds for Widget shop/two.']],
  )
})

test('an object that the rule cannot judge is a gap that names it, and the others are judged', async (t) => {
  const server = await house(t, [widget('good'), { metadata: { name: 'odd', namespace: 'shop' } }])

  const { findings, unchecked } = await run(server, [rule({ when: 'object.spec.size == 3' })])

  assert.deepEqual(
    findings.map(({ object }) => object.name),
    ['good'],
  )
  assert.deepEqual(
    unchecked.map(({ analyzers, kind, reason, message }) => [analyzers, kind, reason, message]),
    [
      [
        ['NoTeam'],
        'Widget',
        'error',
        'NoTeam: 1 object of kind Widget could not be judged, such as shop/odd: No such key: spec.',
      ],
    ],
  )
})

test('a kind that the server does not have, or does not show, is a gap with the way out', async (t) => {
  const server = await house(t, [])
  server.faults.push(refuses('/widgets', 403, 'widgets is forbidden'))

  const { unchecked } = await run(server, [rule(), rule({ name: 'Typo', kind: 'Widgte' })])

  assert.match(unchecked[0]?.message ?? '', /^NoTeam: No permission: widgets is forbidden/)
  assert.match(unchecked[1]?.message ?? '', /^Typo: The server has no kind "Widgte"\. Did you mean Widget\?/)
})

test('labels choose the objects of a rule too', async (t) => {
  const server = await house(t, [widget('one', { labels: { app: 'a' } }), widget('two', { labels: { app: 'b' } })])

  const { findings } = await run(server, [rule()], { labels: parseSelector('app=b') })

  assert.deepEqual(
    findings.map(({ object }) => object.name),
    ['two'],
  )
})

test('of Secrets a rule sees names and labels only', async (t) => {
  const server = await house(t, [])
  server.objects['/api/v1/namespaces/shop/secrets'] = [{ metadata: { name: 'key', namespace: 'shop' } }]

  const { findings } = await run(server, [
    rule({ kind: 'Secret', text: 'Secret ${object.metadata.name} has no team.' }),
  ])

  assert.equal(findings.length, 1)
  assert.match(server.seen.find(({ path }) => path.endsWith('/secrets'))?.accept ?? '', /PartialObjectMetadata/)
})

test('rules that cannot be used are refused, each by its name and with the reason', () => {
  const rules = [
    rule({ when: 'object.' }),
    rule({ name: 'Pod' }),
    rule({ name: 'Text', text: '${objct}' }),
    rule({ name: 'Fine' }),
  ]

  assert.throws(
    () => customAnalyzers(rules, ['Pod']),
    /^Error: analyzers: rule NoTeam: when "object\.": .*; rule Pod: there is an analyzer of that name already; rule Text: text "objct": Unknown variable: objct\.$/,
  )
})

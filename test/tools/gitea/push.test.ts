import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PushSignal } from '../../../src/signal.ts'
import { md } from '../../../src/text/markdown.ts'
import { pushFacts, pushTitle } from '../../../src/tools/gitea/push.ts'

const push = (changes: Partial<PushSignal> = {}): PushSignal => ({
  kind: 'push',
  source: 'gitea',
  id: 'push:1',
  repository: {
    id: 1,
    fullName: 'acme/shop',
    url: 'https://git.corp/acme/shop',
    private: false,
    defaultBranch: 'main',
  },
  branch: 'main',
  before: 'a'.repeat(40),
  after: 'b'.repeat(40),
  pusher: { login: 'alice', name: 'Alice' },
  commits: [
    {
      id: 'b'.repeat(40),
      title: 'fix: pool size',
      author: 'Alice',
      url: '',
      files: ['deploy/api.yaml', 'src/pool.ts', 'README.md'],
    },
  ],
  total: 1,
  ...changes,
})

const { signal } = new AbortController()
const status = (...states: string[]) => ({
  status: async () => ({
    state: '',
    statuses: states.map((one, index) => ({
      id: index,
      creator: null,
      context: `ci ${index}`,
      status: one,
      description: '',
      target_url: '',
    })),
  }),
})

test('a push is told with who, where and what', () => {
  const title = pushTitle(push())

  assert.match(title, /\*\*Alice\*\* pushed 1 commit to \*\*acme\/shop\*\* `main`/)
  assert.match(title, /`bbbbbbbb` fix: pool size \(Alice\)/)
})

test('names and commit titles cannot format, link or mention', () => {
  const title = pushTitle(
    push({
      branch: '</code>@room`x`',
      pusher: { login: 'm', name: '[click](https://evil)' },
      commits: [{ id: 'b'.repeat(40), title: '@room **urgent** <img src=x>', author: 'x', url: '', files: [] }],
    }),
  )

  assert.doesNotMatch(title, /\]\(https:\/\/evil|@room \*\*urgent|(?<!\\)<img/)
  assert.match(title, /`` <\/code>@room`x` ``/)
})

test('no credential in the title of a commit is told, also where the title is cut', () => {
  const token = `ghp_${'A1b2C3d4E5f6'.repeat(3)}`
  const title = `${'x'.repeat(180)} ${token}`
  const [commit] = push().commits

  assert.doesNotMatch(pushTitle(push({ commits: [{ ...commit!, title }] })), /A1b2C3/)
})

test('facts name what is touched, the CI and the workloads that are called like the repository or its manifests', async () => {
  const asked: string[][] = []
  const facts = await pushFacts(push(), {
    gitea: status('success', 'failure'),
    workloads: async (words) => {
      asked.push(words)
      return [
        { name: 'shop/api', state: 'failing', text: 'shop/api: 0 of 2 pods available.', findings: md`**api crashes**` },
      ]
    },
    signal,
  })

  assert.match(
    facts.markdown,
    /Kubernetes manifests: `deploy\/api\.yaml`; source: `src\/pool\.ts`; documentation: `README\.md`/,
  )
  assert.match(facts.markdown, /✅ ci 0[\s\S]*❌ ci 1/)
  assert.match(facts.markdown, /❌ shop\/api: 0 of 2[\s\S]*\*\*api crashes\*\*/)
  assert.ok(asked[0]?.includes('shop') && asked[0]?.includes('api'))
  assert.equal(facts.settled, true)
})

test('a CI that still runs, or has not begun, is worth another look', async () => {
  const sources = { workloads: undefined, signal }

  assert.equal((await pushFacts(push(), { ...sources, gitea: status('pending') })).settled, false)
  assert.equal((await pushFacts(push(), { ...sources, gitea: status() })).settled, false)
})

test('what could not be looked at is said', async () => {
  const facts = await pushFacts(push(), {
    gitea: {
      status: async () => {
        throw new Error('The Gitea token lacks the scope read:repository.')
      },
    },
    workloads: async () => {
      throw new Error('No permission')
    },
    signal,
  })

  assert.match(facts.markdown, /lacks the scope read:repository[\s\S]*could not be looked at: No permission/)
})

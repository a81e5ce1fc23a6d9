import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { repository } from '../src/repository.ts'
import { inRepository, splitName } from '../src/tools/gitea/paths.ts'

const given = {
  id: 7,
  full_name: 'acme/shop',
  html_url: 'https://git.corp/acme/shop',
  private: false,
  internal: null,
  default_branch: 'main',
}

test('a repository is taken in our words', () => {
  assert.deepEqual(repository.parse({ ...given, stars_count: 3 }), {
    id: 7,
    fullName: 'acme/shop',
    url: 'https://git.corp/acme/shop',
    private: false,
    defaultBranch: 'main',
  })
})

test('one that only members of its organisation see is private', () => {
  assert.equal(repository.parse({ ...given, internal: true }).private, true)
  assert.equal(repository.parse({ ...given, private: true }).private, true)
})

test('an address that leads elsewhere than to the web, and a branch that is none, are as good as missing', () => {
  const { url, defaultBranch } = repository.parse({ ...given, html_url: 'javascript:alert(1)', default_branch: null })

  assert.deepEqual([url, defaultBranch], ['', ''])
})

const names = [
  ...['..', '.', '../..', 'acme/..', '../shop', './shop', 'acme/.', 'acme', '', '/', 'acme/', '/shop', 'acme//shop'],
  ...['acme/shop/keys', 'acme/shop?x=1', 'acme/shop#x', 'acme/sh%2Fop', 'acme/%2e%2e', 'ac me/shop', 'acme\\shop'],
  ...[
    'acme/shop\n',
    'acme/sh\0op',
    'äcme/shop',
    'acme/shop;x',
    'acme:80/shop',
    '@corp/shop',
    `acme/${'x'.repeat(101)}`,
  ],
]

for (const full_name of names)
  test(`a repository is not called ${JSON.stringify(full_name).slice(0, 40)}`, () => {
    assert.equal(repository.safeParse({ ...given, full_name }).success, false)
  })

test('whatever name a server sends, one that is taken leads to that very path and to no other', () => {
  const part = fc.oneof(
    fc.string({ maxLength: 8 }),
    fc.string({
      unit: fc.constantFrom('.', '-', '_', 'a', 'Z', '0', '%', '2', 'e', '/', '\\', '?', '#', ' '),
      maxLength: 8,
    }),
    fc.constantFrom('.', '..', '...', 'acme', 'shop.git', '-', '_'),
  )
  let taken = 0
  fc.assert(
    fc.property(
      fc.oneof(
        fc.tuple(part, part).map((names) => names.join('/')),
        fc.string(),
      ),
      (full_name) => {
        const found = repository.safeParse({ ...given, full_name })
        if (!found.success) return
        taken++
        const { fullName } = found.data
        const path = inRepository(splitName(fullName), '/hooks')
        assert.equal(fullName, full_name)
        assert.equal(new URL(path, 'https://git.corp').pathname, `/api/v1/repos/${full_name}/hooks`)
        assert.equal(new URL(path, 'https://git.corp').href, `https://git.corp/api/v1/repos/${full_name}/hooks`)
      },
    ),
    { numRuns: 3_000 },
  )
  assert.ok(taken > 50, `only ${taken} names were taken`)
})

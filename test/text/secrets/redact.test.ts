import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { redact } from '../../../src/text/secrets/index.ts'

const secrets: [string, string][] = [
  ['Authorization: Bearer abcdef1234567890abcdef', 'abcdef1234567890abcdef'],
  ['{"authorization":"Basic dXNlcjpwYXNzd29yZA=="}', 'dXNlcjpwYXNzd29yZA=='],
  ['postgres://shop:hunter2@db:5432/shop', 'hunter2'],
  ['DB_PASSWORD=correct-horse', 'correct-horse'],
  ['password: "two words"', 'two words'],
  ['"client_secret": "9f8e7d6c5b"', '9f8e7d6c5b'],
  ['api_key=AIzaSyD-abc', 'AIzaSyD-abc'],
  ['token ghp_abcdefghijklmnopqrstuvwxyz0123456789', 'ghp_abcdefghijklmnopqrstuvwxyz0123456789'],
  ['glpat-abcdefghij0123456789', 'glpat-abcdefghij0123456789'],
  ['AKIAIOSFODNN7EXAMPLE', 'AKIAIOSFODNN7EXAMPLE'],
  ['jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123', 'eyJzdWIiOiIxMjM0In0'],
  ['-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----', 'MIIEow'],
  ['client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVk', 'LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVk'],
]

for (const [text, secret] of secrets) {
  test(`removes the credential from ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.ok(!redact(`before ${text} after`).includes(secret))
    assert.match(redact(`before ${text} after`), /^before /)
  })
}

const harmless = [
  'image: registry.corp/shop/api@sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945',
  'commit 9fceb02d0ae598e95dc970b74767f19372d61af8',
  'uid 6f1c2e9a-5a0b-4a44-9a39-6b1c2f1d9c11',
  'tokens: 512 prompt, 20 completion',
  'DB_PASSWORD=$(DB_PASSWORD)',
  'secretName: shop-tls',
  'http://api:8080/healthz returned 503',
  'Error: secret "api-db" not found',
]

for (const text of harmless) test(`leaves ${JSON.stringify(text)} alone`, () => assert.equal(redact(text), text))

test('redacting twice is redacting once', () => {
  const part = fc.oneof(fc.string(), fc.constantFrom(...secrets.map(([text]) => text), ...harmless))
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const once = redact(parts.join(' '))
      assert.equal(redact(once), once)
    }),
  )
})

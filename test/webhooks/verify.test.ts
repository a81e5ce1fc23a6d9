import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDerivation, deriveSecret } from '../../src/webhooks/gitea/secret.ts'
import { isSigned } from '../../src/webhooks/gitea/verify.ts'
import { plain, recorded, sign } from './receiver.ts'

const master = 'the-master-secret-of-this-test'
const derivedOnce = 'c081cdfe9427505e2756a6790f40891c7aff9f8923366897b0072365e2b01e32'
const signedWith = (body: string, secret: string, secrets = [master]) =>
  isSigned(Buffer.from(body), { 'x-gitea-signature': sign(body, secret) }, secrets)

test('a derived secret is the same every time, differs by scope and master, and does not depend on capitals', () => {
  // Computed once with the OpenSSL command line: installed webhooks go on signing with it.
  assert.equal(deriveSecret(master, 'acme/shop'), derivedOnce)
  assert.equal(deriveSecret(master, 'Acme/Shop'), derivedOnce)
  const others = [
    deriveSecret(master, 'acme'),
    deriveSecret(master, 'acme/shop2'),
    deriveSecret('another-master-secret', 'acme/shop'),
  ]
  assert.equal(new Set([derivedOnce, ...others]).size, 4)
})

for (const scope of ['acme/shop', 'acme']) {
  test(`the secret derived for ${scope} signs the events of acme/shop of every kind`, () => {
    for (const name of [
      'push-plain',
      'push-many',
      'workflow_run-completed-failure',
      'workflow_job-completed-failure',
      'status-failure-external',
      'pull_request-opened-fork',
      'issue_comment-created',
      'create-branch',
      'delete-branch',
      'release-published',
    ])
      assert.equal(signedWith(recorded(name).body, deriveSecret(master, scope)), true, name)
  })
}

test('while the master is rotated, secrets derived from both sign; once it is gone, those from it do not', () => {
  const derived = deriveSecret('the old one', 'acme/shop')

  assert.equal(signedWith(plain.body, derived, ['the new one', 'the old one']), true)
  assert.equal(signedWith(plain.body, derived, ['the new one']), false)
})

test('a derived secret is no master', () => {
  assert.equal(signedWith(plain.body, deriveSecret(deriveSecret(master, 'acme/shop'), 'acme/shop')), false)
})

test('the secret of one repository does not sign for another, and that of one owner not for another', () => {
  for (const scope of ['acme/shop2', 'acme/sho', 'acme2', 'acm', 'shop', '', '/', 'acme/', 'alice'])
    assert.equal(signedWith(plain.body, deriveSecret(master, scope)), false, scope)
})

const tricks: [string, string][] = [
  [
    'a second repository behind the first',
    plain.body.replace(/\n\}$/, ',\n  "repository": {\n    "full_name": "mallory/own"\n  },\n  "x": 1\n}'),
  ],
  [
    'a repository of its own before the real one, written without line breaks',
    `{\n  "repository": {\n    "full_name": "mallory/own"\n  },"repository":${JSON.stringify(JSON.parse(plain.body).repository)},"ref":"refs/heads/main"}`,
  ],
  [
    'the name twice in the repository',
    plain.body.replace(
      '\n    "full_name": "acme/shop",',
      '\n    "full_name": "mallory/own",\n    "full_name": "acme/shop",',
    ),
  ],
  [
    'the name in a nested object',
    plain.body.replace(
      '\n    "full_name": "acme/shop"',
      '\n    "x": {\n    "full_name": "mallory/own"\n},\n    "full_name": "acme/shop"',
    ),
  ],
  [
    'a repository inside another object',
    plain.body.replace(/\n\}$/, ',\n  "x": {\n  "repository": {\n    "full_name": "mallory/own"\n  }}\n}'),
  ],
  [
    'an escaped key',
    `{\n  "repository": {\n    "full_name": "mallory/own",\n    "full\\u005fname": "acme/shop"\n  }\n}`,
  ],
]
for (const [what, body] of tricks) {
  test(`${what} does not let the secret of mallory/own speak for acme/shop`, () => {
    const speaksFor = JSON.parse(body).repository.full_name

    for (const scope of ['mallory/own', 'mallory'])
      assert.equal(signedWith(body, deriveSecret(master, scope)), speaksFor === 'mallory/own', speaksFor)
  })
}

test('nothing unsigned passes: no signature, a prefix, capitals, too short, too long, SHA-1, the empty secret', () => {
  const right = sign(plain.body, master)
  const given = [
    undefined,
    '',
    `sha256=${right}`,
    right.toUpperCase(),
    right.slice(1),
    `${right}0`,
    `${right}\n`,
    ` ${right}`,
  ]
  for (const signature of [...given, sign(plain.body, ''), '0'.repeat(64), right.slice(0, 40), `${right}, ${right}`])
    assert.equal(
      isSigned(Buffer.from(plain.body), signature === undefined ? {} : { 'x-gitea-signature': signature }, [master]),
      false,
      signature,
    )
  assert.equal(isSigned(Buffer.from(plain.body), { 'x-gitea-signature': right }, []), false)
})

test('a derivation that remembers gives the same secrets, however many scopes pass by', () => {
  const derive = createDerivation()

  for (let n = 0; n < 3_000; n++) derive(master, `acme/r${n}`)

  for (const scope of ['acme/r1', 'acme/r2999', 'ACME/r2999', 'acme'])
    assert.equal(derive(master, scope), deriveSecret(master, scope))
  assert.notEqual(derive('another master', 'acme'), derive(master, 'acme'))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createAnonymiser, type Sensitive } from '../../src/text/anonymise.ts'

const inventory: Sensitive[] = [
  { type: 'Namespace', name: 'payments' },
  { type: 'Deployment', name: 'checkout-api' },
  { type: 'Pod', name: 'checkout-api-5f7d8c9b6d-x2x4z' },
  { type: 'Service', name: 'ledger' },
  { type: 'Node', name: 'rack7-blade3' },
  { type: 'host', name: 'shop.corp.example' },
  { type: 'image', name: 'registry.corp.example/team/checkout' },
  { type: 'label', name: 'blue-team' },
]

const anonymiser = (names: Sensitive[] = inventory, key = 'a key') => createAnonymiser({ key, names })

/** Every name by itself, between whatever may stand around names in a text. */
const holds = (text: string, name: string): boolean =>
  new RegExp(`(?<![A-Za-z0-9])${name.replaceAll(/[.-]/g, '[$&_]')}(?![A-Za-z0-9])`, 'i').test(text)

test('known names become pseudonyms that say what they stand for', () => {
  const hidden = anonymiser().hide('Pod payments/checkout-api-5f7d8c9b6d-x2x4z on rack7-blade3 does not start.')

  assert.match(hidden, /^Pod namespace-[0-9a-f]{6}\/pod-[0-9a-f]{6} on node-[0-9a-f]{6} does not start\.$/)
})

test('a name inside a longer one that is not known is hidden too, the longest known one first', () => {
  const { hide } = anonymiser()

  const deployment = hide('checkout-api')
  assert.equal(hide('checkout-api-0'), `${deployment}-0`)
  assert.equal(hide('CHECKOUT_API_URL is not set').includes('CHECKOUT'), false)
  assert.equal(hide('ledgers and preledger'), 'ledgers and preledger')
})

test('whatever looks like a host, an address or an e-mail address is hidden although nobody knows it', () => {
  const { hide } = anonymiser([])
  const hidden = hide(
    'dial tcp 10.42.0.17:5432, lookup vault on [fd00::53]:53, https://git.corp.example/x by ann.lee@corp.example at 10.1.1.1.',
  )

  assert.match(
    hidden,
    /^dial tcp ip-\w{6}:5432, lookup host-\w{6} on \[ip-\w{6}\]:53, https:\/\/host-\w{6}\/x by email-\w{6} at ip-\w{6}\.$/,
  )
})

test('the address of a Service keeps its shape, so that a reader knows what it is', () => {
  const hidden = anonymiser().hide('http://ledger.payments.svc.cluster.local:8080 and unknown.other.svc')

  assert.match(
    hidden,
    /^http:\/\/service-\w{6}\.namespace-\w{6}\.svc\.cluster\.local:8080 and name-\w{6}\.name-\w{6}\.svc$/,
  )
})

test('fields, files, kinds, numbers and loopback are left as they are', () => {
  const text =
    'Deployment spec.template.spec.containers.image and status.containerStatuses[app].state.waiting.reason: exit code 137 at 12:30:45, app.kubernetes.io/name, /etc/app/server.conf, 127.0.0.1:80, deployments.apps, v1.36.2'

  assert.equal(anonymiser().hide(text), text)
})

test('words of Kubernetes, numbers, single characters and nothing are no names', () => {
  const names = ['pod', 'default', '8080', 'a', '', 'true'].map((name) => ({ type: 'Namespace', name }))
  const text = 'A pod in default listens on 8080: true'

  assert.equal(anonymiser(names).hide(text), text)
})

test('an object that is called by a word of Kubernetes is hidden where names of objects stand, and only there', () => {
  const { hide } = anonymiser([
    { type: 'Deployment', name: 'api', isObject: true },
    { type: 'Namespace', name: 'system', isObject: true },
  ])

  const hidden = hide('Deployment system/api: container api, deployments.apps "api", name=api namespace=system, [api]')
  assert.doesNotMatch(hidden, /\b(?:api|system)\b/)
  for (const text of ['The api server answers /api/v1/pods.', 'the operating system', 'api.k8s.io', 'an api'])
    assert.equal(hide(text), text)
})

test('the same key gives the same pseudonyms, another key others', () => {
  assert.equal(anonymiser().hide('payments'), anonymiser(inventory.toReversed()).hide('payments'))
  assert.notEqual(anonymiser().hide('payments'), anonymiser(inventory, 'another key').hide('payments'))
})

test('an answer gets its names back, and what only looks like a pseudonym stays', () => {
  const { hide, restore } = anonymiser()
  const hidden = hide('checkout-api')

  assert.equal(
    restore(`Look at **${hidden}**, ${hidden}-0 와 ${hidden}를.`),
    'Look at **checkout-api**, checkout-api-0 와 checkout-api를.',
  )
  assert.equal(restore('pod-abcdef'), 'pod-abcdef')
})

const name = fc
  .stringMatching(/^[a-z][a-z0-9]{1,6}(?:[-.][a-z0-9]{1,5}){0,3}$/)
  .filter(
    (text) =>
      !/^(?:api|apis|app|apps|svc|pod|pods|name|node|host|ip|job|spec|data|true|yes|no|is|as|at|an|in|on|or|of|to|by|be|it|and|has|was|for|not|the|key|tcp|udp|error)$/.test(
        text,
      ),
  )
const names = fc.array(fc.record({ type: fc.constantFrom('Pod', 'Namespace', 'Service'), name }), { maxLength: 12 })
const between = fc.constantFrom(' ', '/', ':', ', ', '"', "'", '-', '.', '\n', '(', ')', '=', '::', '을 ', '_')

test('whatever the names and the text, restoring gives the text back', () => {
  fc.assert(
    fc.property(names, fc.array(fc.tuple(fc.oneof(name, fc.string({ unit: 'grapheme' })), between)), (known, parts) => {
      const { hide, restore } = anonymiser(known)
      const text = [...parts, ...known.map((one) => [one.name, ' '])].flat().join('')

      assert.equal(restore(hide(text)), text)
    }),
  )
})

test('whatever stands around it, no known name and no address is left', () => {
  fc.assert(
    fc.property(
      names,
      fc.array(between, { minLength: 24, maxLength: 24 }),
      fc.oneof(fc.ipV4(), fc.ipV6()).filter((address) => !/^127\.|^0\.0\.0\.0$|^::1?$/.test(address)),
      (known, gaps, address) => {
        const { hide } = anonymiser(known)
        const text = known.map((one, index) => `${gaps[index]} ${one.name}${gaps[index + 12]}`).join('')

        const hidden = hide(`${text} ${address} is away`)

        assert.deepEqual(
          known.filter((one) => holds(hidden, one.name)),
          [],
        )
        assert.ok(!hidden.includes(address), hidden)
      },
    ),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gateway } from '../../../../../src/tools/analyzers/rules/network/gateway.ts'
import { gatewayClass } from '../../../../../src/tools/analyzers/rules/network/gateway-class.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'

const inspect = (objects: Objects, unread: Parameters<typeof snapshotOf>[1] = []) =>
  gateway.inspect(snapshotOf({ Gateway: [], GatewayClass: [], ...objects }, unread))
const inspectClass = (objects: Objects) =>
  gatewayClass.inspect(snapshotOf({ Gateway: [], GatewayClass: [], ...objects }))

const condition = (type: string, status: string, more: object = {}) => ({
  type,
  status,
  reason: 'Because',
  message: 'no',
  lastTransitionTime: ago(10),
  observedGeneration: 1,
  ...more,
})
const accepted = condition('Accepted', 'True')

const edge = (conditions: object[], status: object = {}) => ({
  metadata: meta('edge'),
  spec: { gatewayClassName: 'envoy', listeners: [{ name: 'https', port: 443 }] },
  status: { conditions, ...status },
})
const envoy = (conditions: object[] = [accepted], more: object = {}) => ({
  metadata: meta('envoy', { namespace: undefined, ...more }),
  spec: { controllerName: 'envoy.example/controller' },
  status: { conditions },
})
const working = edge([accepted, condition('Programmed', 'True')])

test('a Gateway that is accepted and programmed is fine, and so is its class', () => {
  assert.deepEqual(inspect({ Gateway: [working], GatewayClass: [envoy()] }), [])
  assert.deepEqual(inspectClass({ Gateway: [working], GatewayClass: [envoy()] }), [])
})

test('a class that does not exist is reported, and nothing else of that Gateway', () => {
  const findings = inspect({ Gateway: [edge([])], GatewayClass: [envoy([accepted], { name: 'other' })] })

  assert.deepEqual(
    findings.map(({ reason }) => reason),
    ['MissingGatewayClass'],
  )
  assert.match(findings[0]!.evidence.map(({ value }) => value).join(), /there is other/)
})

test('a class that could not be read is not missing', () => {
  assert.deepEqual(inspect({ Gateway: [working] }, [{ kind: 'GatewayClass', gap: 'forbidden', message: 'no' }]), [])
})

test('a Gateway that is not programmed is critical only if it has been', () => {
  const conditions = [accepted, condition('Programmed', 'False')]
  const severities = (status: object) =>
    inspect({ Gateway: [edge(conditions, status)], GatewayClass: [envoy()] }).map(({ reason, severity }) => [
      reason,
      severity,
    ])

  assert.deepEqual(severities({}), [['GatewayNotProgrammed', 'warning']])
  assert.deepEqual(severities({ addresses: [{ value: '10.0.0.9' }] }), [['GatewayNotProgrammed', 'critical']])
})

test('what listeners say is evidence', () => {
  const listeners = [
    { name: 'https', conditions: [condition('ResolvedRefs', 'False', { message: 'secret not found' })] },
  ]

  const [finding] = inspect({
    Gateway: [edge([condition('Accepted', 'False')], { listeners })],
    GatewayClass: [envoy()],
  })

  assert.equal(finding?.reason, 'GatewayNotAccepted')
  assert.ok(
    finding.evidence.some(({ path, value }) => path.includes('listeners[https]') && /secret not found/.test(value)),
  )
})

test('a condition of two minutes, or of an older generation, is waited for', () => {
  const fresh = edge([accepted, condition('Programmed', 'False', { lastTransitionTime: ago(1) })])
  const outdated = edge([accepted, condition('Programmed', 'False', { observedGeneration: 1 })])
  outdated.metadata.generation = 2

  assert.deepEqual(inspect({ Gateway: [fresh], GatewayClass: [envoy()] }), [])
  assert.deepEqual(inspect({ Gateway: [outdated], GatewayClass: [envoy()] }), [])
})

test('a class that nobody has taken up is reported with the Gateways that wait', () => {
  const placeholder = condition('Accepted', 'Unknown', {
    reason: 'Pending',
    lastTransitionTime: '1970-01-01T00:00:00Z',
  })

  const [finding] = inspectClass({ GatewayClass: [envoy([placeholder])], Gateway: [edge([])] })

  assert.deepEqual([finding?.reason, finding?.severity], ['GatewayClassNotAccepted', 'warning'])
  assert.deepEqual(finding?.affects, [{ kind: 'Gateway', namespace: 'shop', name: 'edge' }])
})

test('the placeholder of a new class counts from its creation, and the condition is found by its type', () => {
  const placeholder = condition('Accepted', 'Unknown', { lastTransitionTime: '1970-01-01T00:00:00Z' })
  const supported = condition('SupportedVersion', 'False')

  assert.deepEqual(inspectClass({ GatewayClass: [envoy([placeholder], { creationTimestamp: ago(1) })] }), [])
  assert.deepEqual(inspectClass({ GatewayClass: [envoy([supported, accepted])] }), [])
})

test('they answer whatever is missing or of another shape', () => {
  const objects = {
    Gateway: [
      edge([condition('Accepted', 'False')], { listeners: [{ name: 'a', conditions: [condition('X', 'False')] }] }),
    ],
    GatewayClass: [envoy([condition('Accepted', 'False')])],
  }
  bearsDamage(gateway, objects)
  bearsDamage(gatewayClass, objects)
})

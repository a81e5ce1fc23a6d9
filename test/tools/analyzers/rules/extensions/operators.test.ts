import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { catalogSource } from '../../../../../src/tools/analyzers/rules/extensions/catalog-source.ts'
import { clusterServiceVersion } from '../../../../../src/tools/analyzers/rules/extensions/cluster-service-version.ts'
import { installPlan } from '../../../../../src/tools/analyzers/rules/extensions/install-plan.ts'
import { operatorGroup } from '../../../../../src/tools/analyzers/rules/extensions/operator-group.ts'
import { subscription } from '../../../../../src/tools/analyzers/rules/extensions/subscription.ts'
import { bearsDamage } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'
import { condition } from '../../workloads.ts'

describe('ClusterServiceVersion', () => {
  const version = (status: object, metadata: object = {}) => ({ metadata: meta('etcd.v1', metadata), status })
  const inspect = (...versions: object[]) =>
    clusterServiceVersion.inspect(snapshotOf({ ClusterServiceVersion: versions }))

  const failed = version({
    phase: 'Failed',
    reason: 'InstallCheckFailed',
    message: 'install timeout',
    lastTransitionTime: ago(5),
    requirementStatus: [
      { kind: 'CustomResourceDefinition', name: 'etcds', status: 'Present' },
      { kind: 'ServiceAccount', name: 'etcd', status: 'NotPresent', message: 'Service account does not exist' },
    ],
  })

  test('a failed operator is reported with the requirements that are not met', () => {
    const [finding] = inspect(failed)

    assert.equal(finding?.text, 'ClusterServiceVersion shop/etcd.v1 is in phase Failed (InstallCheckFailed).')
    assert.deepEqual(
      finding.evidence.map(({ value }) => value),
      ['Failed', 'install timeout', 'Service account does not exist'],
    )
  })

  test('installing takes ten minutes', () => {
    const installing = (time: string) => version({ phase: 'Installing', lastTransitionTime: time })

    assert.deepEqual(inspect(installing(ago(9))), [])
    assert.equal(inspect(installing(ago(10)))[0]?.severity, 'warning')
  })

  test('an installed operator is well, and copies of a failed one are not told again', () => {
    const copy = { ...failed, metadata: meta('etcd.v1', { namespace: 'bank', labels: { 'olm.copiedFrom': 'shop' } }) }

    assert.deepEqual(inspect(version({ phase: 'Succeeded' }), copy), [])
  })

  test('damage never makes it throw', () => {
    bearsDamage(clusterServiceVersion, { ClusterServiceVersion: [failed] })
  })
})

describe('Subscription', () => {
  const wish = (status: object, spec: object = {}) => ({
    metadata: meta('etcd'),
    spec: { name: 'etcd', source: 'catalog', installPlanApproval: 'Automatic', ...spec },
    status: { lastUpdated: ago(20), ...status },
  })
  const inspect = (...wishes: object[]) =>
    subscription.inspect(snapshotOf({ Subscription: wishes })).map(({ reason, severity }) => `${severity} ${reason}`)

  const unresolved = wish({
    conditions: [condition('ResolutionFailed', 'True', { message: 'no operators found in package etcd' })],
  })

  test('a wish that cannot be resolved is reported with the reason', () => {
    const [finding] = subscription.inspect(snapshotOf({ Subscription: [unresolved] }))

    assert.equal(finding?.reason, 'SubscriptionFailed')
    assert.match(finding.text, /state not set with ResolutionFailed=True; installed is nothing\.$/)
    assert.ok(finding.evidence.some(({ value }) => value === 'no operators found in package etcd'))
  })

  test('no state after five minutes is a fault, before it is not', () => {
    assert.deepEqual(inspect(wish({ lastUpdated: ago(5) })), ['warning SubscriptionUnresolved'])
    assert.deepEqual(inspect(wish({ lastUpdated: ago(4) })), [])
  })

  test('an upgrade that people must approve is a hint, one that should go by itself a fault', () => {
    assert.deepEqual(inspect(wish({ state: 'UpgradeAvailable' })), ['info UpgradeAvailable'])
    assert.deepEqual(inspect(wish({ state: 'UpgradePending' }, { installPlanApproval: 'Manual' })), [
      'info UpgradePending',
    ])
    assert.deepEqual(inspect(wish({ state: 'UpgradePending' })), ['warning UpgradePending'])
    assert.deepEqual(inspect(wish({ state: 'UpgradePending', lastUpdated: ago(14) })), [])
  })

  test('what is up to date is well', () => {
    assert.deepEqual(
      inspect(wish({ state: 'AtLatestKnown', conditions: [condition('CatalogSourcesUnhealthy', 'False')] })),
      [],
    )
  })

  test('damage never makes it throw', () => {
    bearsDamage(subscription, { Subscription: [unresolved, wish({ state: 'UpgradePending', currentCSV: 'etcd.v2' })] })
  })
})

describe('InstallPlan', () => {
  const plan = (phase: string, spec: object = {}, metadata: object = {}) => ({
    metadata: meta('install-1', metadata),
    spec: { approval: 'Automatic', approved: true, clusterServiceVersionNames: ['etcd.v1'], ...spec },
    status: { phase },
  })
  const inspect = (plans: object[], wishes: object[] = []) =>
    installPlan
      .inspect(snapshotOf({ InstallPlan: plans, Subscription: wishes }))
      .map(({ reason, severity }) => `${severity} ${reason}`)

  test('a plan that failed or does not end is a fault', () => {
    assert.deepEqual(inspect([plan('Failed')]), ['warning InstallPlanUnfinished'])
    assert.deepEqual(inspect([plan('Installing')]), ['warning InstallPlanUnfinished'])
    assert.deepEqual(inspect([plan('Installing', {}, { creationTimestamp: ago(9) })]), [])
    assert.deepEqual(inspect([plan('Complete')]), [])
  })

  test('a plan that waits for people is a hint', () => {
    assert.deepEqual(inspect([plan('RequiresApproval', { approval: 'Manual', approved: false })]), [
      'info RequiresApproval',
    ])
  })

  test('a plan that a later one has replaced does not count', () => {
    const owned = plan('Failed', {}, { ownerReferences: [{ kind: 'Subscription', name: 'etcd' }] })
    const wish = (name: string) => ({ metadata: meta('etcd'), status: { installPlanRef: { name } } })

    assert.deepEqual(inspect([owned], [wish('install-2')]), [])
    assert.deepEqual(inspect([owned], [wish('install-1')]), ['warning InstallPlanUnfinished'])
  })

  test('damage never makes it throw', () => {
    bearsDamage(installPlan, { InstallPlan: [plan('Failed'), plan('RequiresApproval', { approved: false })] })
  })
})

describe('CatalogSource', () => {
  const source = (connectionState: object | undefined) => ({
    metadata: meta('catalog'),
    spec: { image: 'quay.io/x/catalog:1' },
    status: { connectionState },
  })
  const inspect = (one: object) => catalogSource.inspect(snapshotOf({ CatalogSource: [one] }))
  const failing = source({ lastObservedState: 'TRANSIENT_FAILURE', lastConnect: ago(5) })

  test('a catalog without connection is reported with its state', () => {
    const [finding] = inspect(failing)

    assert.match(
      finding?.text ?? '',
      /CatalogSource shop\/catalog is not connected: its last state is TRANSIENT_FAILURE/,
    )
  })

  test('a catalog that is connected, just connects, or has not tried yet is well', () => {
    assert.deepEqual(inspect(source({ lastObservedState: 'READY' })), [])
    assert.deepEqual(inspect(source({ lastObservedState: 'CONNECTING', lastConnect: ago(1) })), [])
    assert.deepEqual(inspect(source(undefined)), [])
  })

  test('damage never makes it throw', () => {
    bearsDamage(catalogSource, { CatalogSource: [failing] })
  })
})

describe('OperatorGroup', () => {
  const inspect = (...groups: object[]) => operatorGroup.inspect(snapshotOf({ OperatorGroup: groups }))
  const group = (name: string, namespace = 'shop') => ({ metadata: meta(name, { namespace }) })

  test('several groups in a namespace are one finding', () => {
    const findings = inspect(group('a'), group('b'), group('c', 'bank'))

    assert.deepEqual(
      findings.map(({ text }) => text),
      ['Namespace shop has 2 OperatorGroups, and OLM allows one: a, b.'],
    )
  })

  test('one group in each namespace is well', () => {
    assert.deepEqual(inspect(group('a'), group('a', 'bank')), [])
  })

  test('damage never makes it throw', () => {
    bearsDamage(operatorGroup, { OperatorGroup: [group('a'), group('b')] })
  })
})

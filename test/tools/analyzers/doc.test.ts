import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { findingId } from '../../../src/tools/analyzers/analyzer.ts'
import { docsOf } from '../../../src/tools/analyzers/doc.ts'
import { type ApiServer, pathOf, refuses, startApiServer } from './api-server.ts'
import { finding } from './findings.ts'

const ofKind = (kind: string) => ({ 'x-kubernetes-group-version-kind': [{ group: 'apps', version: 'v1', kind }] })

/** As API servers write it: references in a lone `allOf`, lists of references, maps. */
const schemas = {
  'io.k8s.api.apps.v1.Deployment': {
    ...ofKind('Deployment'),
    properties: {
      spec: { description: 'What is wanted.', allOf: [{ $ref: '#/components/schemas/Spec' }] },
      status: { $ref: '#/components/schemas/Status' },
    },
  },
  Spec: {
    description: 'A spec.',
    properties: {
      replicas: { description: 'Number of desired pods.', type: 'integer' },
      containers: { description: 'The containers.', items: { allOf: [{ $ref: '#/components/schemas/Container' }] } },
      selector: { additionalProperties: { description: 'A value.' } },
    },
  },
  Container: { properties: { image: { description: 'Name of the image.' } } },
  Status: { description: 'A status.', properties: { loop: { $ref: '#/components/schemas/Loop' } } },
  Loop: { $ref: '#/components/schemas/Loop' },
}

async function house(t: TestContext, url = '/openapi/v3/apis/apps/v1?hash=ABC'): Promise<ApiServer> {
  const server = await startApiServer(t)
  server.faults.push((request) => {
    if (pathOf(request) === '/openapi/v3') return { paths: { 'apis/apps/v1': { serverRelativeURL: url } } }
    if (pathOf(request) === '/openapi/v3/apis/apps/v1') return { components: { schemas } }
    return undefined
  })
  return server
}

const docOf = async ({ cluster }: ApiServer, field: string) => {
  const one = finding({ field })
  return (await docsOf([one], cluster, AbortSignal.timeout(30_000))).texts.get(findingId(one))
}

const fields: [field: string, doc: string][] = [
  ['spec.replicas', 'Number of desired pods.'],
  ['spec.containers', 'The containers.'],
  ['spec.containers.image', 'Name of the image.'],
  ['spec.containers[api].image', 'Name of the image.'],
  ['spec.selector.app', 'A value.'],
  ['status', 'A status.'],
  ['spec.nonsense.deep', 'What is wanted.'],
]
for (const [field, doc] of fields)
  test(`the cluster’s own words about ${field}`, async (t) => assert.equal(await docOf(await house(t), field), doc))

test('a schema that leads round in a circle, or has no such field, documents nothing', async (t) => {
  const server = await house(t)

  assert.equal(await docOf(server, 'nonsense'), undefined)
  assert.equal(await docOf(server, 'status.loop.loop'), 'A status.')
})

test('each document is read once, whatever the number of findings', async (t) => {
  const server = await house(t)
  const findings = ['One', 'Two', 'Three'].map((reason) => finding({ reason, field: 'spec.replicas' }))

  const { texts } = await docsOf(findings, server.cluster, AbortSignal.timeout(30_000))

  assert.equal(texts.size, 3)
  assert.deepEqual(
    server.seen.map(({ path }) => path),
    ['/openapi/v3', '/openapi/v3/apis/apps/v1'],
  )
})

test('an address that leads elsewhere is not followed', async (t) => {
  const server = await house(t, '/api/v1/namespaces/shop/secrets')

  assert.equal(await docOf(server, 'spec.replicas'), undefined)
  assert.deepEqual(
    server.seen.map(({ path }) => path),
    ['/openapi/v3'],
  )
})

test('documentation that cannot be read is a sentence, once', async (t) => {
  const server = await startApiServer(t)
  server.faults.push(refuses('/openapi/v3', 403, 'forbidden: User "bot" cannot get path "/openapi/v3"'))
  const findings = ['One', 'Two'].map((reason) => finding({ reason, field: 'spec.replicas' }))

  const { texts, problems } = await docsOf(findings, server.cluster, AbortSignal.timeout(30_000))

  assert.equal(texts.size, 0)
  assert.equal(problems.length, 1)
  assert.match(problems[0] ?? '', /^The documentation of fields could not be read: No permission: forbidden/)
})

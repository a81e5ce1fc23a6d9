import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as shape from '../../../src/tools/analyzers/kinds/shape.ts'

const { flag, list, made, maybe, misfit, number, numberOrText, object, string, strings, text } = shape

test('of an object the named fields are kept, without those that are missing, null or of another type', () => {
  const pod = object({ name: string, node: text, restarts: number, ready: flag, spec: maybe(object({ host: string })) })

  assert.deepEqual(pod({ name: 'api', node: null, restarts: '3', ready: 'yes', spec: { host: 4 }, more: 'x' }), {
    name: 'api',
  })
  assert.deepEqual(pod({ name: 'api', node: 'n1', restarts: 3, ready: false, spec: { host: 'h', more: 1 } }), {
    name: 'api',
    node: 'n1',
    restarts: 3,
    ready: false,
    spec: { host: 'h' },
  })
})

test('without a field that has to be there, and of another type as a whole, a value does not fit', () => {
  const pod = object({ name: string })

  for (const value of [{}, { name: 1 }, { name: null }, [], null, undefined, 'api', 7])
    assert.equal(pod(value), misfit, JSON.stringify(value))
})

test('a list with one item that does not fit, and a map with one value that is no text, is not there', () => {
  const pods = object({ pods: list(object({ name: string })), labels: strings })

  assert.deepEqual(pods({ pods: [{ name: 'a', x: 1 }], labels: { app: 'api' } }), {
    pods: [{ name: 'a' }],
    labels: { app: 'api' },
  })
  assert.deepEqual(pods({ pods: [{ name: 'a' }, {}], labels: { app: 'api', n: 1 } }), {})
  assert.deepEqual(pods({ pods: { 0: { name: 'a' } }, labels: ['a'] }), {})
})

test('a port is a number or a name, and nothing else', () => {
  assert.deepEqual([80, 'http', true, null, {}].map(numberOrText), [80, 'http', undefined, undefined, undefined])
})

test('what is made of a value is made of what is kept, and of nothing where nothing fits', () => {
  const keys = made(object({ data: strings }), ({ data = {} }) => Object.keys(data))

  assert.deepEqual(keys({ data: { a: '1', b: '2' } }), ['a', 'b'])
  assert.deepEqual(keys({}), [])
  assert.equal(keys('x'), misfit)
})

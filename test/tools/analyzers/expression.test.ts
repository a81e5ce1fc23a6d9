// biome-ignore-all lint/suspicious/noTemplateCurlyInString: rules hold CEL in such places
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCondition, parseTemplate } from '../../../src/tools/analyzers/expression.ts'

const now = new Date('2026-11-20T12:00:00Z')
const scope = (object: object) => ({ object, now })

test('a condition looks at the fields of an object; whole numbers are integers', () => {
  const holds = (expression: string, object: object) => parseCondition(expression)(scope(object))

  assert.equal(holds('object.spec.replicas == 1', { spec: { replicas: 1 } }), true)
  assert.equal(holds('object.spec.replicas + 1 > 2', { spec: { replicas: 1 } }), false)
  assert.equal(holds('object.spec.containers.exists(c, !has(c.resources))', { spec: { containers: [{}] } }), true)
  assert.equal(holds('object.?spec.?replicas.orValue(1) == 1', {}), true)
  assert.equal(holds('timestamp(object.at) < now - duration("24h")', { at: '2026-11-19T11:00:00Z' }), true)
})

test('what is no condition is refused with the reason', () => {
  assert.throws(() => parseCondition('objct.spec'), /"objct\.spec": Unknown variable: objct$/)
  assert.throws(() => parseCondition('object.spec =='), /"object\.spec ==": Unexpected token/)
  assert.throws(() => parseCondition('"yes"'), /of type string, a condition is true or false/)
})

test('a field that is not there is an error in words, without a drawing', () => {
  assert.throws(
    () => parseCondition('object.spec.paused')(scope({ spec: {} })),
    (error: Error) => error.message === 'No such key: paused',
  )
  assert.throws(() => parseCondition('object.name')(scope({ name: 'x' })), /neither true nor false/)
})

test('a template shows texts as they are and everything else as JSON', () => {
  const render = parseTemplate(
    '${object.name} has ${object.replicas} of ${object.list}, ${size(object.list)} at ${now}.',
  )

  assert.equal(
    render(scope({ name: 'api', replicas: 3, list: ['a', 1] })),
    'api has 3 of ["a",1], 2 at 2026-11-20T12:00:00.000Z.',
  )
})

test('braces in texts and maps do not end an expression, and dollars alone are text', () => {
  assert.equal(parseTemplate('$5 ${"}" + {"a": "b"}.a} $')(scope({})), '$5 }b $')
  assert.throws(() => parseTemplate('x ${object.name'), /has no closing brace/)
  assert.throws(() => parseTemplate('${}'), /Unexpected|empty/i)
})

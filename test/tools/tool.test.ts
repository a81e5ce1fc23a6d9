import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import { defineChange, effectOf, type Preview } from '../../src/tools/tool.ts'

const scale = {
  name: 'scale',
  description: '',
  input: z.object({ replicas: z.number() }),
  effect: ({ replicas }: { replicas: number }) => (replicas === 0 ? ('destroy' as const) : ('change' as const)),
  summary: ({ replicas }: { replicas: number }) => `scale to ${replicas}`,
  target: () => ({ kind: 'Deployment', namespace: 'shop', name: 'api' }),
  preflight: async (): Promise<Preview> => assert.fail('not asked'),
  run: async () => '',
}

test('what a change does may depend on its arguments', () => {
  const tool = defineChange(scale)

  assert.deepEqual(
    [0, 1].map((replicas) => effectOf(tool, { replicas })),
    ['destroy', 'change'],
  )
})

test('a change that names no target, shows nothing before, or claims to only read does not compile', () => {
  const { target, preflight, effect, ...rest } = scale

  // @ts-expect-error It does not say what it touches.
  defineChange({ ...rest, effect, preflight })
  // @ts-expect-error Nobody could see what they approve.
  defineChange({ ...rest, effect, target })
  // @ts-expect-error It would run without being asked for.
  defineChange({ ...rest, target, preflight, effect: 'read' })
})

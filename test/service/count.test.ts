import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openApproval } from '../../src/agent/approval.ts'
import { createMetrics } from '../../src/metrics.ts'
import { countAgentEvent, countTransition } from '../../src/service/count.ts'
import { restart, restartCall, restartPreview } from '../agent/fixtures.ts'
import { alice } from '../agent/harness.ts'

const metrics = createMetrics

const approval = (needed: number) =>
  openApproval(restartCall('call-1'), restart(), { name: 'api' }, restartPreview(), {
    thread: 'fake|ops|t',
    effect: 'change',
    target: { kind: 'Deployment', namespace: 'shop', name: 'api' },
    askers: [alice],
    needed,
    createdAt: 0,
    expiresAt: 60_000,
  })

test('every stage of an approval is counted by its name', async () => {
  const counted = metrics()

  for (const to of ['open', 'denied'] as const) countTransition({ approval: approval(1), to }, counted)
  for (const to of ['open', 'expired'] as const) countTransition({ approval: approval(1), to }, counted)

  const text = await counted.registry.getSingleMetricAsString('kube_agent_approvals_total')
  assert.match(text, /\{state="open"\} 2$/m)
  assert.match(text, /\{state="denied"\} 1$/m)
  assert.match(text, /\{state="expired"\} 1$/m)
})

test('what the allow-list lets through is not counted as asked', async () => {
  const counted = metrics()

  for (const to of ['open', 'approved', 'started', 'ended'] as const)
    countTransition({ approval: approval(0), to }, counted)

  const text = await counted.registry.getSingleMetricAsString('kube_agent_approvals_total')
  assert.doesNotMatch(text, /state="open"/)
  assert.match(text, /\{state="approved"\} 1$/m)
})

test('a tool call is counted when it has come to its end', async () => {
  const counted = metrics()
  const step = { number: 1, call: 'call-1', tool: 'restart', summary: 'restart deployment shop/api' }

  for (const state of ['waiting', 'running', 'done'] as const)
    countAgentEvent({ kind: 'step', step: { ...step, state } }, counted)

  const text = await counted.registry.getSingleMetricAsString('kube_agent_tool_calls_total')
  assert.match(text, /\{tool="restart",outcome="done"\} 1$/m)
  assert.doesNotMatch(text, /waiting|running/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { estimateTokens } from '../../src/agent/budget.ts'
import { type PromptParts, systemPrompt } from '../../src/agent/prompt.ts'

const parts: PromptParts = { namespace: 'shop', namespaces: ['shop', 'web'], mode: 'approve', language: 'en' }

test('the prompt is the same from call to call, so that servers keep its prefix', () => {
  assert.equal(systemPrompt(parts), systemPrompt({ ...parts }))
  assert.doesNotMatch(systemPrompt(parts), /\d{2}:\d{2}|20\d\d/)
})

test('the prompt names where tools work and what the mode means', () => {
  assert.match(systemPrompt(parts), /namespace shop unless[\s\S]*shop, web[\s\S]*approve or deny/)
  assert.match(systemPrompt({ ...parts, namespaces: ['*'] }), /all namespaces/)
  assert.match(systemPrompt({ ...parts, mode: 'observe' }), /cannot change anything/)
})

test('the prompt stays short: what is over is for the evidence', () => {
  for (const mode of ['observe', 'approve', 'auto'] as const)
    assert.ok(estimateTokens(systemPrompt({ ...parts, mode, language: 'ko' })) < 700)
})

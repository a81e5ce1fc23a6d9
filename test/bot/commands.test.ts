import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import * as z from 'zod'
import { isStop, parseCommand, usage } from '../../src/bot/commands.ts'
import { defineRead, type Tool } from '../../src/tools/tool.ts'

const scale = defineRead({
  name: 'k8s_scale_deployment',
  description: '',
  input: z.object({ name: z.string(), replicas: z.coerce.number(), namespace: z.string().optional() }),
  summary: () => '',
  run: async () => '',
})
const tools = new Map<string, Tool>([[scale.name, scale]])
const parse = (text: string) => parseCommand(text, tools)

test('ordinary sentences are no commands, also with an exclamation mark in them', () => {
  for (const text of ['api is down!', 'look! now', 'please !help me', 'help me with api', ''])
    assert.equal(parse(text), undefined)
})

test('the plain commands are known, and help also without its mark', () => {
  assert.deepEqual(parse('!help'), { kind: 'help' })
  assert.deepEqual(parse(' help '), { kind: 'help' })
  assert.deepEqual(parse('!status'), { kind: 'status' })
  assert.deepEqual(parse('!stop'), { kind: 'stop' })
})

test('a decision takes the id as people copy it, and the rest of the line as the reason', () => {
  assert.deepEqual(parse('!approve `K7F3Q2`'), { kind: 'decide', mark: 'approve', id: 'k7f3q2' })
  assert.deepEqual(parse('!deny k7f3q2 not now, sale is on'), {
    kind: 'decide',
    mark: 'deny',
    id: 'k7f3q2',
    reason: 'not now, sale is on',
  })
  assert.equal(parse('!approve')?.kind, 'wrong')
})

test('a tool is called with key=value, quoted values may hold spaces', () => {
  assert.deepEqual(parse('!k8s_scale_deployment name=api replicas=3'), {
    kind: 'tool',
    tool: scale,
    input: { name: 'api', replicas: '3' },
  })
  assert.deepEqual(parse('!k8s_scale_deployment name="a b" replicas=\'3\''), {
    kind: 'tool',
    tool: scale,
    input: { name: 'a b', replicas: '3' },
  })
})

test('wrong arguments are answered with what is wrong and how the tool is called', () => {
  for (const text of [
    '!k8s_scale_deployment api',
    '!k8s_scale_deployment name=api',
    '!k8s_scale_deployment name=api replicas=3 colour=red',
  ]) {
    const command = parse(text)
    assert.equal(command?.kind, 'wrong', text)
    assert.match(
      command?.kind === 'wrong' ? command.problem : '',
      /`!k8s_scale_deployment name=… replicas=… \[namespace=…\]`/,
    )
  }
})

test('a misspelt command is answered with the nearest names, never carried out', () => {
  assert.deepEqual(parse('!aprove k7f3q2'), { kind: 'unknown', name: 'aprove', nearest: ['approve'] })
  assert.deepEqual(parse('!k8s_scale_deploymnt name=api replicas=0'), {
    kind: 'unknown',
    name: 'k8s_scale_deploymnt',
    nearest: ['k8s_scale_deployment'],
  })
  assert.deepEqual(parse('!constructor'), { kind: 'unknown', name: 'constructor', nearest: [] })
})

test('what stops is known the moment it arrives, however it is written, and nothing else stops', () => {
  for (const text of [' !stop ', '!Stop', '！stop', '!stop that please', '! stop']) {
    assert.equal(isStop(text), true, text)
    assert.equal(parse(text)?.kind, 'stop', text)
  }
  for (const text of ['stop', 'please !stop', '!stopwatch', '!!stop']) {
    assert.equal(isStop(text), false, text)
    assert.notEqual(parse(text)?.kind, 'stop', text)
  }
})

test('a phone that begins with a capital letter is understood', () => {
  assert.deepEqual(parse('!Help'), { kind: 'help' })
  assert.deepEqual(parse('!Approve K7F3Q2'), { kind: 'decide', mark: 'approve', id: 'k7f3q2' })
  assert.equal(parse('!K8s_scale_deployment name=api replicas=3')?.kind, 'tool')
})

test('an outcry is no command', () => {
  for (const text of ['!!!', '!?', '!', '!...']) assert.equal(parse(text), undefined)
})

test('usage shows what must be given and what may be', () => {
  assert.equal(usage(scale), '`!k8s_scale_deployment name=… replicas=… [namespace=…]`')
})

test('no text makes the parser throw or invent a tool', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      const command = parse(`!${text}`)
      if (command?.kind === 'tool') assert.match(text.trim(), /^k8s_scale_deployment\s/)
    }),
  )
})

test('an analysis is asked for with a namespace or without, and anything else is told how', () => {
  assert.deepEqual(parse('!analyze'), { kind: 'analyze' })
  assert.deepEqual(parse('!Analyze shop'), { kind: 'analyze', namespace: 'shop' })
  assert.deepEqual(parse('!analyze namespace=shop'), { kind: 'analyze', namespace: 'shop' })
  assert.deepEqual(parse('!analyze *'), { kind: 'analyze', namespace: '*' })
  assert.equal(parse('!analyze shop please')?.kind, 'wrong')
})

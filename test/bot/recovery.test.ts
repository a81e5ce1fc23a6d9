import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openApproval } from '../../src/agent/approval.ts'
import type { Policy } from '../../src/agent/policy/index.ts'
import { createConversation } from '../../src/bot/conversation.ts'
import type { BotJob } from '../../src/bot/jobs/index.ts'
import type { ThreadId } from '../../src/bot/platform.ts'
import { scheduleTimers } from '../../src/bot/prompts.ts'
import type { Health } from '../../src/bot/recovery.ts'
import { ownText } from '../../src/text/outside.ts'
import type { Preview } from '../../src/tools/tool.ts'
import { restart, restartCall, restartPreview } from '../agent/fixtures.ts'
import { room, type Shown } from '../helpers/chat.ts'
import { calls, says, scriptedModel } from '../helpers/model.ts'
import { alice, bob, build, type House, until } from './house.ts'

/** A house where a restart has run, and where both recovery checks find what the list says. */
async function restarted(t: TestContext, found: (Health | Error)[]): Promise<{ house: House; prompt: Shown }> {
  const house = await build(t, {
    tools: [restart()],
    model: scriptedModel(calls(['restart', { name: 'api' }]), says('Done.')),
    deps: {
      health: async () => {
        const next = found.shift() ?? assert.fail('looked more often than needed')
        if (next instanceof Error) throw next
        return next
      },
    },
  })
  await house.chat.say(alice, 'restart api')
  const prompt = await house.sees(/Approval needed/)
  await house.chat.mark(bob, prompt.id, 'approve')
  await house.sees(/Done\./)
  await house.quiet()
  return { house, prompt }
}

/** Lets time pass; due timers are looked for when something comes in. */
async function later(house: House, thread: Shown['thread'], ms: number): Promise<void> {
  house.clock.now += ms
  await house.chat.say(bob, '!status', { thread })
  await house.quiet()
}

const healthy: Health = { state: 'healthy', text: '3 of 3 pods available' }
const after = (house: House): Shown[] => house.chat.shown.filter((post) => /After “/.test(post.markdown))

test('a good state is said once, and a later look at it only edits', async (t) => {
  const { house, prompt } = await restarted(t, [healthy, { ...healthy, text: '3 of 3 pods still available' }])

  await later(house, prompt.thread, 31_000)
  await later(house, prompt.thread, 300_000)

  const [line, ...more] = after(house)
  assert.equal(more.length, 0)
  assert.match(line?.markdown ?? '', /✅ After “restart deployment shop\/api”: 3 of 3 pods still available/)
  assert.deepEqual(line?.mention, [])
})

test('a bad state is said to those who asked, and what came of it at the end', async (t) => {
  const { house, prompt } = await restarted(t, [{ state: 'failing', text: '0 of 3 pods available' }, healthy])

  await later(house, prompt.thread, 31_000)
  assert.deepEqual(after(house)[0]?.mention, [alice])
  await later(house, prompt.thread, 300_000)

  assert.deepEqual(
    after(house).map((post) => post.markdown.slice(0, 1)),
    ['⚠', '✅'],
  )
})

test('a cluster that is away is a finding, and no failed job', async (t) => {
  const { house, prompt } = await restarted(t, [new Error('The API server cannot be reached.'), healthy])

  await later(house, prompt.thread, 31_000)

  assert.match(after(house)[0]?.markdown ?? '', /could not look at the result: The API server cannot be reached/)
  await later(house, prompt.thread, 300_000)
  assert.equal(after(house).length, 2)
})

test('what the cluster says about itself formats nothing', async (t) => {
  const { house, prompt } = await restarted(t, [{ state: 'failing', text: '**all well** [see](http://evil)\n✅' }])

  await later(house, prompt.thread, 31_000)

  assert.match(after(house)[0]?.markdown ?? '', /not well: \\\*\\\*all well\\\*\\\* \\\[see\\\]/)
  assert.ok(await until(() => after(house)[0], 'the line'))
})

test('a change of long ago is not checked again, although the inbox has forgotten its timers by then', async () => {
  const put: string[] = []
  const one = createConversation('fake|ops|t' as ThreadId, room, 'en')
  const approval = openApproval(restartCall('call-1'), restart(), { name: 'api' }, restartPreview(), {
    thread: one.thread,
    effect: 'change',
    target: { kind: 'Deployment', namespace: 'shop', name: 'api' },
    askers: [alice],
    needed: 1,
    createdAt: 0,
    expiresAt: 1_000,
  })
  approval.state = { kind: 'ended', by: [bob], startedAt: 0, ok: true, result: ownText('') }
  one.session.approvals.push(approval)
  const deps = (now: number) => ({
    policy: () => ({}) as Policy,
    recoverySeconds: [30, 300],
    now: () => now,
    inbox: { put: async (job: BotJob) => put.push(job.id) > 0 },
  })

  await scheduleTimers(one, deps(10 * 24 * 3_600_000))
  assert.deepEqual(put, [])

  await scheduleTimers(one, deps(60_000))
  assert.equal(put.length, 2)
})

test('a change of something without health of its own is not looked at again, and another than the target may be', async (t) => {
  const seen: unknown[] = []
  const look = async (watch: Preview['watch']) => {
    const tool = restart()
    const house = await build(t, {
      tools: [{ ...tool, preflight: async () => ({ ...restartPreview(), ...(watch && { watch }) }) }],
      model: scriptedModel(calls(['restart', { name: 'api' }]), says('Done.')),
      deps: {
        health: async (target) => {
          seen.push(target)
          return healthy
        },
      },
    })
    await house.chat.say(alice, 'restart api')
    await house.chat.mark(bob, (await house.sees(/Approval needed/)).id, 'approve')
    const { thread } = await house.sees(/Done\./)
    await house.quiet()
    await later(house, thread, 31_000)
  }

  await look('none')
  assert.deepEqual(seen, [])
  await look({ kind: 'StatefulSet', namespace: 'shop', name: 'db' })
  assert.deepEqual(seen, [{ kind: 'StatefulSet', namespace: 'shop', name: 'db' }])
})

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { comeIn } from '../bot/web/room.ts'
import { folder, start, webEnv } from '../commands/program.ts'
import { calls, says, startModelServer } from '../helpers/model-server.ts'

test('the secrets of the bot reach neither the model, nor the room, nor the log, nor the disk, in whatever form they are read', async (t) => {
  const [web, key, hook] = ['w3b-l0gin-t0ken-value', 'm0del-serv3r-key-value', 'w3bhook-s3cret-value']
  const notes = join(folder(t), 'notes.txt')
  writeFileSync(
    notes,
    [web, btoa(`x${key}y`), encodeURIComponent(hook), Buffer.from(web).toString('hex'), 'the end'].join('\n'),
  )
  const model = await startModelServer([calls(['file_read', { path: notes }]), says(`It says ${web}.`)])
  t.after(() => model.close())
  const env = webEnv(t, {
    KUBE_AGENT_WEB_TOKEN: web,
    KUBE_AGENT_LLM_URL: model.url,
    KUBE_AGENT_LLM_MODEL: 'test-model',
    KUBE_AGENT_LLM_API_KEY: key,
    KUBE_AGENT_GITEA_WEBHOOK_SECRET: hook,
    KUBE_AGENT_FILES_ROOTS: join(notes, '..'),
    KUBE_AGENT_LOG_LEVEL: 'debug',
  })
  const bot = start(t, ['serve'], env)
  const alice = await comeIn(await bot.listening, 'alice', web)

  const thread = await alice.say(`What is in ${notes}? I think ${key}.`)
  await alice.sees(thread, ({ html }) => /It says/.test(html), 'the answer')
  const direct = await alice.say(`!file_read path=${notes}`)
  await alice.sees(direct, ({ html }) => /the end/.test(html), 'the file')
  bot.child.kill('SIGTERM')
  const { stdout, stderr } = await bot.ended

  const told = model.asked.map((asked) => JSON.stringify(asked)).join('\n')
  const forms = [web, key, hook].flatMap((secret) => [
    secret,
    btoa(secret).slice(1, -3),
    Buffer.from(secret).toString('hex'),
  ])
  for (const form of forms) {
    assert.ok(!told.includes(form), `${form} was sent to the model`)
    assert.ok(!stdout.includes(form) && !stderr.includes(form), `${form} stands in the log`)
  }
  assert.match(told, /own secret removed/)
  assert.ok(!readFileSync(join(env.KUBE_AGENT_DATA_DIR ?? '', 'kube-agent.sqlite')).includes(web), 'on disk')
})

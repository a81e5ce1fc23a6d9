import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missingSettings } from '../../src/tools/index.ts'
import { alice, build } from './house.ts'

test('who calls a tool for Gitea before it is set up is told which settings are missing', async (t) => {
  const house = await build(t, { deps: { missingSettings: (tool) => missingSettings(tool, { url: 'http://gitea' }) } })

  await house.chat.say(alice, '!gitea_list_repos')

  const answer = await house.sees(/gitea_list_repos/)
  assert.match(answer.markdown, /needs KUBE_AGENT_GITEA_TOKEN, and it is not set/)
})

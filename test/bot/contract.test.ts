import type { TestContext } from 'node:test'
import type { UserId } from '../../src/agent/approval.ts'
import type { ChatPlatform, MessageId, ThreadId } from '../../src/bot/platform.ts'
import { contract } from '../contracts/platform.ts'
import { lacks, type Person, type Stage } from '../contracts/scene.ts'
import { createChat, type FakeChat, room } from '../helpers/chat.ts'

contract('The chat of the bot’s own tests', openChat)

const scripted = lacks('A test says itself what the bot hears.')
const serverless = lacks('It has no server.')

async function openChat(_t: TestContext): Promise<Stage> {
  const ids = { alice: '@alice:corp' as UserId, bob: '@bob:corp' as UserId }
  let chat: FakeChat = createChat(Object.values(ids))
  let lives = 0
  let said = 0

  /** Another life finds the room as the one before has left it. */
  function live(): ChatPlatform {
    if (lives++ > 0) chat = chat.copy()
    return chat
  }

  const person = (id: UserId): Person => ({
    id,
    name: id,
    async say(text, thread) {
      const message = `fake|ops|said-${++said}` as MessageId
      await chat.say(id, text.trim(), { id: message, addressed: true, ...(thread && { thread }) })
      return message
    },
  })

  return {
    live,
    room,
    alice: person(ids.alice),
    call: '',
    nowhere: 'fake|ops|nothing' as ThreadId,
    sees: async (thread) =>
      chat.shown
        .filter((post) => post.thread === thread)
        .map(({ id, markdown, file }) => ({ id, text: markdown, files: file ? [file.text] : [] })),
    mark: async ({ id }, message, mark) => void (await chat.mark(id, message, mark)),
    can: {
      bob: person(ids.bob),
      addressing: scripted,
      pair: scripted,
      naming: scripted,
      calls: async ({ id }) => chat.shown.filter(({ mention }) => mention.includes(id)).length,
      files: true,
      edits: true,
      offered: scripted,
      unmark: ({ id }, message, mark) => chat.unmark(id, message, mark),
      spelling: scripted,
      away: scripted,
      again: scripted,
      newborn: scripted,
      edit: scripted,
      remove: (message) => chat.remove(message),
      rewrite: scripted,
      machine: scripted,
      leave: async ({ id }) => void chat.members.delete(id),
      join: async ({ id }) => void chat.members.add(id),
      expel: scripted,
      readmit: scripted,
      wire: serverless,
      restartServer: serverless,
      limit: serverless,
      revocable: serverless,
      refusal: scripted,
    },
  }
}

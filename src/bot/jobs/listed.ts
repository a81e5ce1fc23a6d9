import { joined, md } from '../../text/markdown.ts'
import { createConversation, say } from '../conversation.ts'
import type { ThreadId } from '../platform.ts'
import { goesOn, type TakeDeps, type ThreadKind } from './kind.ts'

/** Lines that come within so much time are one post. */
const listMs = 10_000

/** One of many: it is said with others, by the next `list`. */
export const listed = {
  ...goesOn,
  opens: ({ thread, data }, { languageOf }) => createConversation(thread as ThreadId, data.room, languageOf('')),
  async take(conversation, { data }, { inbox, now }: Pick<TakeDeps, 'inbox' | 'now'>) {
    const { thread } = conversation
    conversation.listed = [...(conversation.listed ?? []), data.line]
    const window = Math.floor(now() / listMs) + 1
    await inbox.put({ id: `list:${thread}:${window}`, thread, kind: 'list', data: {}, due: window * listMs })
  },
} satisfies ThreadKind<'listed'>

/** The lines that have come are said. */
export const list = {
  ...goesOn,
  take(conversation) {
    const { listed = [] } = conversation
    delete conversation.listed
    const lines = listed.map((line) => md`- ${line}`)
    if (lines.length > 0) say(conversation, joined(lines, '\n'), { quiet: true })
  },
} satisfies ThreadKind<'list'>

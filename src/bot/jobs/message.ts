import { parseCommand } from '../commands.ts'
import { createConversation } from '../conversation.ts'
import { type MessageDeps, takeMessage } from '../messages.ts'
import type { ThreadKind } from './kind.ts'

/** Somebody said something in a thread of ours, or to us. */
export const message = {
  about: 'thread',
  opens: ({ data }, { languageOf }) => createConversation(data.thread, data.room, languageOf(data.text)),
  take: (conversation, { data }, deps: MessageDeps) => takeMessage(conversation, data, deps),
  roleOf({ data }, tools) {
    const command = parseCommand(data.text, tools)
    if (!command || command.kind === 'tool') return 'speaks'
    if (command.kind === 'stop') return 'calls-off'
    if (command.kind === 'decide') return command.mark === 'deny' ? 'calls-off' : 'decides'
    return 'asks-us'
  },
  saidAsideIn: ({ data }) => data.thread,
} satisfies ThreadKind<'message'>

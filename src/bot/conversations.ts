import type { Documents } from '../storage/index.ts'
import type { Conversation } from './conversation.ts'

/** The threads' documents, as a job works on one: read once, changed in place, saved again and again. */
export interface Conversations {
  get(thread: string): Promise<Conversation | undefined>
  has(thread: string): Promise<boolean>
  /**
   * Resolves when everything is on disk that was in the conversation at the call. Takes the very object that `get` gave, or a new one
   * for a new thread. Rejects with the store's `StaleDocument` when somebody else has saved the thread since this copy was read; then
   * and from then on nothing of this copy is written.
   */
  save(conversation: Conversation): Promise<void>
}

/**
 * Knows the version of every copy that was handed out. Saves of one copy wait for each other: while the model thinks, a command may
 * be answered in the same conversation, and each write has to be made from the version that the last one left.
 */
export function createConversations(documents: Documents<Conversation>): Conversations {
  const copies = new WeakMap<Conversation, { version: number | undefined; lastSave: Promise<void> }>()

  return {
    async get(thread) {
      const found = await documents.get(thread)
      if (found) copies.set(found.value, { version: found.version, lastSave: Promise.resolve() })
      return found?.value
    },
    has: (thread) => documents.has(thread),
    save(conversation) {
      const copy = copies.get(conversation) ?? { version: undefined, lastSave: Promise.resolve() }
      copies.set(conversation, copy)
      copy.lastSave = copy.lastSave
        .catch(() => {})
        .then(async () => {
          copy.version = await documents.set(conversation.thread, conversation, copy.version)
        })
      return copy.lastSave
    },
  }
}

import { sentenceOf } from '../text/sentence.ts'
import type { Product } from './build.ts'
import { createChats } from './chats.ts'
import type { Start } from './index.ts'

/**
 * Begins to work: chats connect, each in its own time, and the inbox hands out what waits. Resolves when the configured people are
 * known; `failed` resolves with a sentence when the bot cannot go on. Throws `ConfigError` for people that no chat knows.
 */
export async function attend(
  { log, started, stopping }: Start,
  { chats: platforms, people, bot, inbox, signals, inSync }: Product,
): Promise<{ failed: Promise<string> }> {
  started.defer(async () => void (await Promise.all(platforms.map((chat) => chat.close()))))
  const chats = createChats({
    chats: platforms,
    people,
    bot,
    inbox,
    findRooms: signals.start,
    inSync,
    stopping,
    log,
  })
  await chats.introduced()

  const { promise: failed, resolve: fail } = Promise.withResolvers<string>()
  chats.begin().catch((error: unknown) => {
    if (!stopping.aborted) fail(sentenceOf(error))
  })
  inbox.start(bot)
  const watch = setInterval(() => {
    const reason = chats.ending()
    if (reason !== undefined) fail(reason)
  }, 1_000)
  started.defer(() => clearInterval(watch))
  return { failed }
}

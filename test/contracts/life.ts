import type { ChatEvent, ChatPlatform, MessageId, ThreadId } from '../../src/bot/platform.ts'
import type { Seen, Stage } from './scene.ts'

export type Message = Extract<ChatEvent, { kind: 'message' }>
export type MarkEvent = Extract<ChatEvent, { kind: 'mark' }>

/** One life of the bot's side: what it was told, and its end. */
export interface Life {
  chat: ChatPlatform
  events: ChatEvent[]
  messages(): Message[]
  texts(): string[]
  marks(): MarkEvent[]
  /** Resolves with the first event that matches. */
  gets(match: (event: ChatEvent) => boolean, what: string): Promise<ChatEvent>
  hears(text: string): Promise<Message>
}

/** Starts the platform; `before` is called with every event before it counts as received, and may throw. */
export async function begin(chat: ChatPlatform, before: (event: ChatEvent) => void = () => {}): Promise<Life> {
  const events: ChatEvent[] = []
  await chat.start(async (event) => {
    before(event)
    events.push(event)
  })
  const messages = () => events.filter((event): event is Message => event.kind === 'message')
  const gets = (match: (event: ChatEvent) => boolean, what: string) =>
    until(
      () => events.find(match),
      () => `${what} among ${JSON.stringify(events, undefined, 1)}`,
    )
  return {
    chat,
    events,
    messages,
    texts: () => messages().map(({ text }) => text),
    marks: () => events.filter((event): event is MarkEvent => event.kind === 'mark'),
    gets,
    hears: (text) =>
      gets((event) => event.kind === 'message' && event.text === text, `the message "${text}"`) as Promise<Message>,
  }
}

/** Resolves when a message of a thread shows such a text. */
export async function shows(stage: Stage, thread: ThreadId, what: RegExp): Promise<Seen> {
  let seen: Seen[] = []
  return until(
    async () => {
      seen = await stage.sees(thread)
      return seen.find(({ text }) => what.test(text))
    },
    () => `${what} in:\n${seen.map(({ text }) => text.slice(0, 500)).join('\n---\n')}`,
  )
}

/** Alice calls the bot; what she said is heard, and so is everything before it. */
export async function hears(stage: Stage, life: Life, text: string, thread?: ThreadId): Promise<Message> {
  await stage.alice.say(`${stage.call} ${text}`, thread)
  return life.hears(text)
}

/** A prompt of the bot's, with its marks offered. */
export async function prompt(stage: Stage, life: Life, id = 'prompt'): Promise<MessageId> {
  const { thread } = await hears(stage, life, `question for ${id}`)
  const message = await life.chat.post(thread, post(id))
  await life.chat.offer(message)
  return message
}

/** A post whose text names it; `question` is for chats that ask on the spot. */
export const post = (id: string, more: { mention?: Message['from'][] } = {}) => ({
  id,
  markdown: `text of ${id}`,
  question: `text of ${id}`,
  ...more,
})

/** Looks until there is something. The limit only turns a hang into a reason. */
export async function until<Value>(
  look: () => Promise<Value | undefined | false> | Value | undefined | false,
  what: () => string,
): Promise<Value> {
  for (let end = Date.now() + 30_000; ; ) {
    const found = await look()
    if (found) return found
    if (Date.now() > end) throw new Error(`waited in vain for ${what()}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { UserId } from '../../agent/approval.ts'
import { bytesOf } from '../../text/split.ts'
import { type MessageId, type Post, PostRefused, type ThreadId } from '../platform.ts'
import { createRecent } from '../recent.ts'
import { type Client, MatrixError, path, pathV1 } from './client.ts'
import { editContent, fileContent, fitting, messageContent } from './content.ts'
import { messageIdOf, splitId, threadIdOf, transactionId } from './ids.ts'
import type { Members } from './members.ts'
import type { Pace, Urgency } from './pace.ts'
import { patiently } from './patience.ts'
import type { Relations } from './relations.ts'

export interface SenderDeps {
  client: Client
  user: string
  pace: Pace
  members: Members
  relations: Relations
  /** Nothing more is said in such a room: what we send is not encrypted. */
  isEncrypted(room: string): boolean
  log: Logger
}

export interface Sender {
  open(room: string, post: Post): Promise<{ thread: ThreadId; message: MessageId }>
  post(thread: ThreadId, post: Post): Promise<MessageId>
  edit(message: MessageId, markdown: string, urgency: 'progress' | 'final'): Promise<void>
  react(message: MessageId, key: string): Promise<void>
  /** One plain sentence in a room's main timeline. */
  remark(room: string, id: string, text: string): Promise<void>
}

/** Bytes of a too long text that are shown: beside a file with all of it, and in an edit, which can have none. */
const shownOfFile = 3_000
const shownOfEdit = 24_000
const uploadTries = 12

export function createSender(deps: SenderDeps): Sender {
  const { client, user, pace, members, relations, isEncrypted, log } = deps
  /** An edit stays what its message was. */
  const quietPosts = createRecent<boolean>(5_000)

  /** Sends one event; the same transaction id again shows nothing twice. Throws `PostRefused`. */
  async function put(
    urgency: Urgency,
    room: string,
    type: string,
    transaction: string,
    content: unknown,
  ): Promise<string> {
    try {
      return await pace.send(urgency, () => sendReadable(room, type, transaction, content))
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error
      throw new PostRefused(`The homeserver does not take a post in ${room}: ${error.message}`, { cause: error })
    }
  }

  /** Looks at the last moment: encryption may be turned on while a post waits for its turn. */
  async function sendReadable(room: string, type: string, transaction: string, content: unknown): Promise<string> {
    if (isEncrypted(room))
      throw new PostRefused(`The room ${room} is encrypted; nothing is posted there in clear text.`)
    return sendEvent(room, type, transaction, content)
  }

  async function sendEvent(room: string, type: string, transaction: string, content: unknown): Promise<string> {
    const target = path('rooms', room, 'send', type, transaction)
    const { event_id } = await client.call<{ event_id: string }>('PUT', target, { body: content })
    return event_id
  }

  async function open(room: string, post: Post): Promise<{ thread: ThreadId; message: MessageId }> {
    const event = await sendPost(room, undefined, post)
    relations.posted(room, event, event)
    return { thread: threadIdOf(room, event), message: messageIdOf(room, event) }
  }

  async function post(thread: ThreadId, given: Post): Promise<MessageId> {
    const { room, event: root } = splitId(thread)
    return messageIdOf(room, await sendPost(room, root, given))
  }

  /** The text, then its file. A text too long for an event goes as a file, with its beginning in the post. */
  async function sendPost(room: string, root: string | undefined, post: Post): Promise<string> {
    const mention = await named(room, post.mention ?? [])
    const build = (markdown: string) => ({
      ...messageContent(markdown, { mention, quiet: post.quiet ?? false }),
      ...(root && inThread(room, root)),
    })
    const { content, shortened } = fitting(post.markdown, shownOfFile, build)
    const transaction = (operation: string) => transactionId(room, root ?? '', post.id, operation)
    const event = await put('post', room, 'm.room.message', transaction('text'), content)
    const thread = root ?? event
    quietPosts.set(messageIdOf(room, event), post.quiet ?? false)
    relations.posted(room, thread, event)
    const files = [
      ...(post.file ? [post.file] : []),
      ...(shortened ? [{ name: 'message.md', text: post.markdown }] : []),
    ]
    for (const [index, file] of files.entries()) await sendFile(room, thread, transaction(`file-${index}`), file)
    return event
  }

  /** What cannot be uploaded is said in its place: the post itself already stands. */
  async function sendFile(room: string, root: string, transaction: string, file: { name: string; text: string }) {
    const content = await upload(file).then(
      (url) => fileContent(file, url),
      (error: unknown) => {
        if (!(error instanceof MatrixError)) throw error
        log.warn({ component: 'matrix', err: error, file: file.name }, 'file not uploaded')
        const size = Math.ceil(bytesOf(file.text) / 1024)
        const text = `\`${file.name}\` (${size} KiB) could not be uploaded: the server does not take it.`
        return messageContent(text, { mention: [], quiet: true })
      },
    )
    const event = await put('post', room, 'm.room.message', transaction, { ...content, ...inThread(room, root) })
    relations.posted(room, root, event)
  }

  async function upload(file: { name: string; text: string }): Promise<string> {
    const bytes = Buffer.from(file.text.toWellFormed())
    const limit = await uploadLimit()
    if (limit !== undefined && bytes.length > limit) {
      const message = `${file.name} has ${bytes.length} bytes, the server takes ${limit}`
      throw new MatrixError(message, { status: 413, code: 'M_TOO_LARGE' })
    }
    // Uploads have no transaction; one that is not referred to is no harm.
    const send = () =>
      client.call<{ content_uri: string }>('POST', '/_matrix/media/v3/upload', {
        query: { filename: file.name.toWellFormed() },
        upload: { bytes, type: 'text/plain; charset=utf-8' },
        timeoutMs: 120_000,
      })
    return (await patiently(send, { closing: client.closing, tries: uploadTries })).content_uri
  }

  /** Larger uploads are cut off by the server without a word. */
  async function uploadLimit(): Promise<number | undefined> {
    const answer = await client
      .call<{ 'm.upload.size'?: unknown }>('GET', pathV1('media', 'config'))
      .catch((): { 'm.upload.size'?: unknown } => ({}))
    const size = answer['m.upload.size']
    return typeof size === 'number' ? size : undefined
  }

  async function edit(message: MessageId, markdown: string, urgency: 'progress' | 'final'): Promise<void> {
    const { room, event } = splitId(message)
    const quiet = quietPosts.get(message) ?? urgency === 'progress'
    const { content } = fitting(markdown, shownOfEdit, (text) => editContent(event, text, quiet))
    const transaction = transactionId(randomUUID())
    if (urgency === 'progress') {
      pace.progress(message, () => sendReadable(room, 'm.room.message', transaction, content))
      return
    }
    pace.forget(message)
    await put('post', room, 'm.room.message', transaction, content)
  }

  async function react(message: MessageId, key: string): Promise<void> {
    const { room, event } = splitId(message)
    const content = { 'm.relates_to': { rel_type: 'm.annotation', event_id: event, key } }
    try {
      const transaction = transactionId(room, event, 'offer', key)
      await pace.send('offer', () => sendReadable(room, 'm.reaction', transaction, content))
    } catch (error) {
      if (!isDuplicate(error)) throw error
    }
  }

  async function remark(room: string, id: string, text: string): Promise<void> {
    const content = messageContent(text, { mention: [], quiet: true })
    const transaction = transactionId(room, id, 'remark')
    await pace.send('post', () => sendEvent(room, 'm.room.message', transaction, content))
  }

  /** Those who are to be notified, with the names that the room knows. */
  async function named(room: string, people: UserId[]): Promise<{ user: string; name: string }[]> {
    // Who may decide may be somebody of another chat, too.
    const others = [...new Set<string>(people)].filter((person) => person !== user && person.startsWith('@'))
    if (others.length === 0) return []
    const known = await members.of(room).catch(() => new Map<string, string | undefined>())
    return others.map((person) => ({ user: person, name: known.get(person) ?? person }))
  }

  function inThread(room: string, root: string) {
    return {
      'm.relates_to': {
        rel_type: 'm.thread',
        event_id: root,
        is_falling_back: true,
        'm.in_reply_to': { event_id: relations.latest(room, root) },
      },
    }
  }

  return { open, post, edit, react, remark }
}

/** Our mark stands there already. Old servers have no code for it. */
const isDuplicate = (error: unknown): boolean =>
  error instanceof MatrixError &&
  (error.code === 'M_DUPLICATE_ANNOTATION' || (error.status === 400 && error.message.includes('same reaction twice')))

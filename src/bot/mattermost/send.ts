import { createHash, randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { checkpoint } from '../../checkpoint.ts'
import { pause } from '../../http/pause.ts'
import { type Post as GivenPost, type MessageId, PostRefused, type ThreadId } from '../platform.ts'
import { createRecent } from '../recent.ts'
import { type Client, isFinal, MattermostError } from './client.ts'
import { fitting, messageText, pieces } from './content.ts'
import { createEdits } from './edits.ts'
import { messageIdOf, splitId, threadIdOf, userIdsIn, userOf } from './ids.ts'
import type { Ledger } from './ledger.ts'
import { patiently, waitAfter } from './patience.ts'
import type { People } from './people.ts'
import { Post, type ServerSettings } from './wire.ts'

export interface SenderDeps {
  client: Client
  me: string
  settings: ServerSettings
  people: People
  ledger: Ledger
  /** Told of every new post: `sent`, `refused`. */
  log: Logger
}

export interface Sender {
  open(channel: string, post: GivenPost): Promise<{ thread: ThreadId; message: MessageId }>
  post(thread: ThreadId, post: GivenPost): Promise<MessageId>
  edit(message: MessageId, markdown: string, urgency: 'progress' | 'final'): Promise<void>
  react(message: MessageId, emoji: string): Promise<void>
  /** One plain text in a channel, outside any thread. */
  remark(channel: string, id: string, text: string): Promise<void>
  end(): void
}

interface Place {
  channel: string
  /** Empty for a post that begins a thread. */
  root: string
}

/** Bytes of a too long text that are shown beside a file with all of it. */
const shownOfFile = 3_000
const triesOfPost = 12
const triesOfUpload = 6

export function createSender(deps: SenderDeps): Sender {
  const { client, me, settings, people, ledger, log } = deps
  const { rest, closing } = client
  const limit = settings.MaxPostSize
  const roots = createRecent<string>(5_000)
  /** Posts whose edits the server refused; what is to be said about them goes into posts of its own. */
  const fixed = createRecent<boolean>(5_000)
  const edits = createEdits({ patch })

  async function open(channel: string, post: GivenPost): Promise<{ thread: ThreadId; message: MessageId }> {
    const id = await sendPost({ channel, root: '' }, post)
    return { thread: threadIdOf(channel, id), message: messageIdOf(channel, id) }
  }

  async function post(thread: ThreadId, given: GivenPost): Promise<MessageId> {
    const { channel, post: root } = splitId(thread)
    return messageIdOf(channel, await sendPost({ channel, root }, given))
  }

  /** A text too long for a post goes along as a file. What the server takes no file for follows in pieces. */
  async function sendPost(place: Place, { id, markdown, mention = [], file }: GivenPost): Promise<string> {
    const whole = await rendered(
      markdown,
      mention.flatMap((person) => userOf(person) ?? []),
    )
    const { text, shortened } = fitting(whole, { limit, headBytes: shownOfFile })
    const files = [...(file ? [file] : []), ...(shortened ? [{ name: 'message.md', text: markdown }] : [])]
    const takesFiles = settings.EnableFileAttachments
    const done = await ledger.find(place.channel, place.root, id)
    const uploads = done || !takesFiles ? [] : await Promise.all(files.map((one) => upload(place.channel, one)))
    const file_ids = uploads.filter((upload) => upload !== undefined)
    const created = done ?? (await create(place, id, { message: text, ...(file_ids.length > 0 && { file_ids }) }))
    const root = place.root || created
    for (const [index, one] of files.entries())
      if (!takesFiles || (!done && !uploads[index])) await sendPieces({ ...place, root }, `${id}-f${index}`, one)
    return created
  }

  async function sendPieces(place: Place, id: string, file: { name: string; text: string }): Promise<void> {
    for (const [index, piece] of pieces(file, limit).entries())
      await create(place, `${id}-${index}`, { message: messageText(piece, { names: new Map(), mention: [] }) })
  }

  /** With the names of the people in it; whom nobody knows any more keeps the id. */
  async function rendered(markdown: string, mention: string[] = []): Promise<string> {
    const names = new Map<string, string>()
    for (const id of new Set([...userIdsIn(markdown), ...mention])) {
      const user = await people.find(id).catch(() => undefined)
      if (user) names.set(id, user.username)
    }
    const called = [...new Set(mention)].flatMap((id) => (id === me ? [] : (names.get(id) ?? [])))
    return messageText(markdown, { names, mention: called })
  }

  /** Creates a post once, however often it is asked for: by a note on disk, and a marker in the post itself. Throws `PostRefused`. */
  async function create(place: Place, id: string, content: { message: string; file_ids?: string[] }): Promise<string> {
    const entry = await ledger.open(place.channel, place.root, id)
    let isDoubtful = entry.isDoubtful
    for (let failures = 0; !entry.post; ) {
      try {
        const found = isDoubtful ? await findOwn(place, entry.marker) : undefined
        isDoubtful = true
        const sent = found ?? (await send(place, entry, content))
        checkpoint('post:before-note')
        await entry.sent(sent)
      } catch (error) {
        if (closing.aborted) throw closing.reason
        failures++
        const isHopeless = failures >= triesOfPost && (error as MattermostError).status === 500
        if (isHopeless || isFinal(error)) {
          const reason = (error as Error).message
          throw new PostRefused(`The server does not take a post in ${place.channel}: ${reason}`, { cause: error })
        }
        if (!(error instanceof MattermostError)) throw error
        await pause(waitAfter(failures, error), closing)
      }
    }
    roots.set(messageIdOf(place.channel, entry.post), place.root || entry.post)
    return entry.post
  }

  /** The server gives the first post back for a known id of ours, whosever it is: one that is not ours was not made. */
  async function send(
    { channel, root }: Place,
    { marker, pending }: { marker: string; pending: string },
    content: object,
  ): Promise<string> {
    const attempt = async (pending_post_id: string) =>
      Post.parse(
        await rest.createPost({
          channel_id: channel,
          root_id: root,
          message: '',
          ...content,
          pending_post_id,
          props: { kube_agent: marker, disable_group_highlight: true },
        }),
      )
    const isOurs = (post: Post) =>
      post.user_id === me && post.channel_id === channel && post.root_id === root && post.props.kube_agent === marker
    const post = await attempt(`${me}:${pending}`)
    return isOurs(post) ? post.id : (await attempt(`${me}:${randomUUID()}`)).id
  }

  /** Looks where the post would stand, newest first, as far back as a resend may come after its first try. */
  async function findOwn({ channel, root }: Place, marker: string): Promise<string | undefined> {
    const answer = await patiently(client, () =>
      root
        ? rest.getPaginatedPostThread(root, { fetchThreads: true, direction: 'up', perPage: 200 })
        : rest.getPosts(channel, 0, 200, false),
    ).catch((error: unknown) => {
      if (!isFinal(error)) throw error
      return { posts: {} }
    })
    const posts = Object.values(answer.posts).flatMap((post) => Post.safeParse(post).data ?? [])
    return posts.find((post) => post.user_id === me && post.props.kube_agent === marker && !post.original_id)?.id
  }

  /** Nothing when the server takes no files, or not this one. */
  async function upload(channel: string, file: { name: string; text: string }): Promise<string | undefined> {
    const bytes = Buffer.from(file.text.toWellFormed())
    if (bytes.length > settings.MaxFileSize) return undefined
    const form = new FormData()
    form.set('channel_id', channel)
    form.set('files', new Blob([bytes], { type: 'text/plain' }), file.name.toWellFormed())
    try {
      const answer = await patiently(client, () => rest.uploadFile(form), triesOfUpload)
      return answer.file_infos[0]?.id
    } catch (error) {
      if (closing.aborted || !(error instanceof MattermostError)) throw error
      log.warn({ err: error, file: file.name }, 'file not uploaded, sent in pieces')
      return undefined
    }
  }

  async function edit(message: MessageId, markdown: string, urgency: 'progress' | 'final'): Promise<void> {
    if (urgency === 'final') return edits.final(message, markdown)
    if (!fixed.get(message)) edits.progress(message, markdown)
  }

  async function patch(message: MessageId, markdown: string, urgency: 'progress' | 'final'): Promise<void> {
    const { channel, post } = splitId(message)
    const { text } = fitting(await rendered(markdown), { limit, headBytes: limit })
    try {
      if (fixed.get(message)) return await sayAnew(message, markdown)
      // The rest of the post stays: its files and our marker.
      await patiently(client, () => rest.patchPost({ id: post, message: text }))
    } catch (error) {
      if (!isFinal(error)) throw error
      if (!(await isUneditable(post, error as MattermostError)))
        throw new PostRefused(`The server does not take an edit in ${channel}: ${(error as Error).message}`, {
          cause: error,
        })
      log.warn({ err: error }, 'posts cannot be edited here, what is final is posted anew')
      fixed.set(message, true)
      if (urgency === 'final') await sayAnew(message, markdown)
    }
  }

  /** Too old to be edited, or we lack the right to: not so a post that is gone, which is refused in the same way. */
  async function isUneditable(post: string, error: MattermostError): Promise<boolean> {
    if (error.code === 'api.post.update_post.permissions_time_limit.app_error') return true
    return error.status === 403 && (await exists(post))
  }

  async function exists(post: string): Promise<boolean> {
    try {
      return Post.parse(await patiently(client, () => rest.getPost(post))).delete_at === 0
    } catch (error) {
      if (isFinal(error)) return false
      throw error
    }
  }

  async function sayAnew(message: MessageId, markdown: string): Promise<void> {
    const { channel, post: id } = splitId(message)
    const root = roots.get(message) ?? (await rootOf(id))
    const digest = createHash('sha256').update(markdown).digest('hex').slice(0, 16)
    await sendPost({ channel, root }, { id: `edit-${id}-${digest}`, markdown })
  }

  async function rootOf(id: string): Promise<string> {
    const post = Post.parse(await patiently(client, () => rest.getPost(id)))
    return post.root_id || post.id
  }

  async function react(message: MessageId, emoji: string): Promise<void> {
    await patiently(client, () => rest.addReaction(me, splitId(message).post, emoji), triesOfUpload)
  }

  async function remark(channel: string, id: string, text: string): Promise<void> {
    await sendPost({ channel, root: '' }, { id, markdown: text })
  }

  return { open, post, edit, react, remark, end: edits.end }
}

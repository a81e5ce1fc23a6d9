import { randomBytes } from 'node:crypto'

export interface FakePost {
  id: string
  create_at: number
  update_at: number
  edit_at: number
  delete_at: number
  user_id: string
  channel_id: string
  root_id: string
  original_id: string
  message: string
  type: string
  props: Record<string, unknown>
  file_ids: string[]
  pending_post_id: string
}

interface FakeChannel {
  id: string
  type: 'O' | 'P' | 'D' | 'G'
  name: string
  create_at: number
  members: Set<string>
  archived: boolean
}

type Answer = [status: number, body: unknown]
type Emit = (event: string, data: object, broadcast: object) => void

const id = (): string => randomBytes(26).toString('hex').slice(0, 26)
const refusal = (status: number, code: string): Answer => [status, { id: code, message: `refused: ${code}` }]
const mostEmoji = 50
const systemEmoji = [
  'white_check_mark',
  'x',
  '+1',
  'thumbsup',
  '+1_dark_skin_tone',
  'heavy_check_mark',
  'ballot_box_with_check',
  'negative_squared_cross_mark',
  'heavy_multiplication_x',
  'eyes',
]

/** What stands on the server: people, channels, posts, reactions, files. Knows nothing of HTTP. */
export function createBoard(emit: Emit) {
  const users = new Map<string, Record<string, unknown> & { id: string; username: string }>()
  const channels = new Map<string, FakeChannel>()
  const posts: FakePost[] = []
  const reactions: { user_id: string; post_id: string; emoji_name: string; create_at: number; update_at: number }[] = []
  const files: { id: string; name: string; text: string }[] = []
  const pending = new Map<string, FakePost>()
  const settings = { MaxPostSize: '16383', MaxFileSize: '104857600', EnableFileAttachments: 'true' } as Record<
    string,
    string
  >
  let clock = Date.now()
  let stoodStill = 0
  let editable: 'yes' | 'too-late' | 'no-right' = 'yes'

  /** Time goes on by a millisecond with everything that happens, unless it stands still for a while. */
  function now(): number {
    if (stoodStill > 0) stoodStill--
    else clock++
    return clock
  }

  function user(username: string, more: Record<string, unknown> = {}): string {
    const made = { id: id(), username, roles: 'system_user', delete_at: 0, is_bot: false, ...more }
    users.set(made.id, made)
    return made.id
  }
  const bot = user('opsbot', { is_bot: true })

  function channel(
    members: string[],
    { type = 'O', name = `room-${channels.size}` }: { type?: FakeChannel['type']; name?: string } = {},
  ) {
    const made = { id: id(), type, name, create_at: now(), members: new Set([bot, ...members]), archived: false }
    channels.set(made.id, made)
    return made.id
  }

  /** The events of channels that the bot is not in never reach it. */
  function tell(event: string, data: object, channel_id: string): void {
    if (channels.get(channel_id)?.members.has(bot)) emit(event, data, { channel_id })
  }

  function add(given: Partial<FakePost> & { user_id: string; channel_id: string }): FakePost {
    const at = now()
    const post: FakePost = {
      id: id(),
      create_at: at,
      update_at: at,
      edit_at: 0,
      delete_at: 0,
      root_id: '',
      original_id: '',
      message: '',
      type: '',
      props: {},
      file_ids: [],
      pending_post_id: '',
      ...given,
    }
    posts.push(post)
    tell('posted', { post: JSON.stringify(post), channel_type: channels.get(post.channel_id)?.type }, post.channel_id)
    return post
  }

  const say = (user_id: string, channel_id: string, message: string, more: Partial<FakePost> = {}): string =>
    add({ user_id, channel_id, message, ...more }).id

  /** Each edit leaves a copy of what was there before. */
  function change(post: FakePost, message: string): void {
    const at = now()
    posts.push({ ...post, id: id(), original_id: post.id, delete_at: at, update_at: at, message: '' })
    Object.assign(post, { edit_at: post.message === message ? post.edit_at : at, update_at: at, message })
    tell('post_edited', { post: JSON.stringify(post) }, post.channel_id)
  }

  function remove(post: FakePost): void {
    const gone = posts.filter((one) => one === post || one.root_id === post.id)
    for (const one of gone) Object.assign(one, { delete_at: now(), update_at: clock, message: '' })
    tell('post_deleted', { post: JSON.stringify(post) }, post.channel_id)
  }

  const removedAt = new Map<string, number>()

  /** Set again, a reaction keeps its first `create_at` in the table, while its event has a new one. */
  function react(user_id: string, post_id: string, emoji_name: string): Answer {
    const post = posts.find((one) => one.id === post_id && one.delete_at === 0)
    if (!post) return refusal(404, 'app.post.get.app_error')
    if (!systemEmoji.includes(emoji_name) && !/^custom_\d+$/.test(emoji_name))
      return refusal(404, 'app.emoji.get_by_name.no_result')
    const names = new Set(reactions.filter((one) => one.post_id === post_id).map((one) => one.emoji_name))
    if (names.size >= mostEmoji && !names.has(emoji_name))
      return refusal(400, 'app.reaction.save.save.too_many_reactions')
    const at = now()
    const before = removedAt.get(`${user_id} ${post_id} ${emoji_name}`)
    const standing = reactions.find(
      (one) => one.user_id === user_id && one.post_id === post_id && one.emoji_name === emoji_name,
    )
    const reaction = { user_id, post_id, emoji_name, create_at: at, update_at: at }
    if (standing) standing.update_at = at
    else reactions.push({ ...reaction, create_at: before ?? at })
    post.update_at = at
    tell('reaction_added', { reaction: JSON.stringify(reaction) }, post.channel_id)
    return [201, reaction]
  }

  function unreact(user_id: string, post_id: string, emoji_name: string): void {
    const index = reactions.findIndex(
      (one) => one.user_id === user_id && one.post_id === post_id && one.emoji_name === emoji_name,
    )
    const [gone] = reactions.splice(index, 1)
    removedAt.set(`${user_id} ${post_id} ${emoji_name}`, gone?.create_at ?? 0)
    const post = posts.find((one) => one.id === post_id)
    const reaction = { user_id, post_id, emoji_name, create_at: 0, update_at: now() }
    tell('reaction_removed', { reaction: JSON.stringify(reaction) }, post?.channel_id ?? '')
  }

  function join(channel_id: string, by: string, user = bot): void {
    channels.get(channel_id)?.members.add(user)
    emit('user_added', { user_id: user }, { channel_id, user_id: user === bot ? bot : '' })
    add({
      user_id: by,
      channel_id,
      type: 'system_add_to_channel',
      message: `@${users.get(user)?.username} added`,
      props: { addedUserId: user },
    })
  }

  /** How often the bot's posts call somebody by name: in code nobody is. */
  function mentionCount(channel_id: string, user: string): number {
    const name = new RegExp(`@(?:${users.get(user)?.username}|all|channel|here)\\b`, 'i')
    return sent(channel_id).filter(({ message }) => name.test(message.replaceAll(/```[\s\S]*?```|`[^`\n]*`/g, '')))
      .length
  }

  const sent = (channel_id: string): FakePost[] =>
    posts.filter((post) => post.channel_id === channel_id && post.user_id === bot && !post.original_id)

  function leave(channel_id: string, user: string): void {
    channels.get(channel_id)?.members.delete(user)
    if (user === bot) emit('user_removed', { channel_id, remover_id: bot }, { user_id: bot })
    else emit('user_removed', { user_id: user, remover_id: user }, { channel_id })
  }

  /** With the team its channels are gone, and nothing is said about each. */
  function leaveTeam(): void {
    for (const room of channels.values()) if (['O', 'P'].includes(room.type)) room.members.delete(bot)
    emit('leave_team', { user_id: bot, team_id: 'team' }, { user_id: bot })
  }

  function changeUser(user: string, change: { username?: string; delete_at?: number }): void {
    Object.assign(users.get(user) ?? {}, change)
    emit('user_updated', { user: users.get(user) }, {})
  }

  function create(given: FakePost): Answer {
    const known = pending.get(given.pending_post_id)
    // Whatever the channel and whosever it is: the key is the id alone.
    if (known) return [201, { ...known, pending_post_id: given.pending_post_id }]
    const room = channels.get(given.channel_id)
    if (!room?.members.has(bot)) return refusal(403, 'api.context.permissions.app_error')
    if (room.archived) return refusal(400, 'api.post.create_post.can_not_post_to_deleted.error')
    const root = posts.find((one) => one.id === given.root_id)
    if (given.root_id && (!root || root.root_id || root.delete_at))
      return refusal(400, 'api.post.create_post.root_id.app_error')
    if ([...given.message].length > Number(settings.MaxPostSize))
      return refusal(400, 'model.post.is_valid.message_length.app_error')
    if (given.message.includes('\0')) return refusal(500, 'app.post.save.app_error')
    const post = add({ ...given, user_id: bot, props: { ...given.props, from_bot: 'true' } })
    pending.set(given.pending_post_id, post)
    return [201, post]
  }

  function patch(post: FakePost | undefined, message: string): Answer {
    if (!post || post.delete_at > 0) return refusal(403, 'api.context.permissions.app_error')
    if (editable === 'too-late') return refusal(400, 'api.post.update_post.permissions_time_limit.app_error')
    if (editable === 'no-right') return refusal(403, 'api.context.permissions.app_error')
    if ([...message].length > Number(settings.MaxPostSize))
      return refusal(400, 'model.post.is_valid.message_length.app_error')
    change(post, message)
    return [200, post]
  }

  const shown = (list: FakePost[]) => ({
    order: list.map((post) => post.id),
    posts: Object.fromEntries(list.map((post) => [post.id, withFiles(post)])),
  })
  const withFiles = (post: FakePost) => ({
    ...post,
    metadata: { files: files.filter((file) => post.file_ids.includes(file.id)).map(({ name }) => ({ name })) },
  })

  function list(channel_id: string, query: URLSearchParams): Answer {
    const all = posts.filter((post) => post.channel_id === channel_id)
    const since = query.get('since')
    if (since) return [200, shown(all.filter((post) => post.update_at > Number(since)).slice(0, 1_000))]
    const size = Math.min(Number(query.get('per_page') ?? 60), 200)
    const alive = all.filter((post) => post.delete_at === 0).sort((a, b) => b.create_at - a.create_at)
    const after = query.get('after')
    const skipped = Number(query.get('page') ?? 0) * size
    if (!after) return [200, shown(alive.slice(skipped, skipped + size))]
    const anchor = posts.find((post) => post.id === after)
    if (!anchor) return [200, shown([])]
    return [200, shown(alive.filter((post) => post.create_at > anchor.create_at).slice(-size))]
  }

  function answer(line: string, body: Buffer): Answer {
    const [method, target = ''] = line.split(' ')
    const url = new URL(target, 'http://fake')
    const json = () =>
      JSON.parse(body.toString()) as FakePost & { post_id: string; emoji_name: string; user_id: string }
    const [area = '', one = '', part = '', last = ''] = url.pathname.slice(1).split('/')
    const found = <Value>(value: Value | undefined): Answer => (value ? [200, value] : refusal(404, 'app.missing'))
    switch (`${method} ${area}${part && `/${part}`}`) {
      case 'GET config':
        return [200, settings]
      case 'GET users':
        return found(users.get(one === 'me' ? bot : one))
      case `GET users/${part}`:
        if (one === 'username') return found([...users.values()].find((user) => user.username === part))
        return [200, [...channels.values()].filter((room) => room.members.has(bot) && !room.archived)]
      case 'POST users/typing':
        return [200, { status: 'OK' }]
      case 'GET teams/corp':
        return found([...channels.values()].find((room) => room.name === url.pathname.split('/').at(-1)))
      case 'GET channels':
        return found(channels.get(one))
      case 'GET channels/stats':
        return [200, { member_count: channels.get(one)?.members.size }]
      case 'GET channels/members':
        return found(channels.get(one)?.members.has(last) ? { user_id: last } : undefined)
      case 'POST channels/members':
        if (channels.get(one)?.type !== 'O') return refusal(403, 'api.context.permissions.app_error')
        channels.get(one)?.members.add(bot)
        return [201, {}]
      case 'GET channels/posts':
        return list(one, url.searchParams)
      case 'POST posts':
        return create(json())
      case 'PUT posts/patch':
        return patch(
          posts.find((post) => post.id === one),
          json().message,
        )
      case 'GET posts':
        return found(posts.find((post) => post.id === one && post.delete_at === 0))
      case 'GET posts/thread':
        return [
          200,
          shown(posts.filter((post) => (post.id === one || post.root_id === one) && post.delete_at === 0).slice(-200)),
        ]
      case 'GET posts/reactions': {
        const standing = reactions.filter((reaction) => reaction.post_id === one)
        return [200, standing.length > 0 ? standing : null]
      }
      case 'POST reactions':
        return react(json().user_id, json().post_id, json().emoji_name)
      case 'POST files': {
        const text = body.toString()
        const name = /filename="([^"]*)"/.exec(text)?.[1] ?? ''
        const file = { id: id(), name, text: text.split('\r\n\r\n').at(-1)?.split('\r\n--')[0] ?? '' }
        files.push(file)
        return [201, { file_infos: [{ id: file.id, name }] }]
      }
    }
    return refusal(404, `the fake knows no ${line}`)
  }

  return {
    bot,
    user,
    channel,
    posts,
    files,
    settings,
    say,
    edit: (post: string, message: string) => change(posts.find((one) => one.id === post) as FakePost, message),
    remove: (post: string) => remove(posts.find((one) => one.id === post) as FakePost),
    react,
    unreact,
    join,
    leave,
    leaveTeam,
    changeUser,
    /** What the bot has posted into a channel. */
    sent,
    mentionCount,
    reactionsOf: (post: string, user: string) =>
      reactions.filter((one) => one.post_id === post && one.user_id === user).map(({ emoji_name }) => emoji_name),
    archive(channel_id: string) {
      const room = channels.get(channel_id)
      if (room) room.archived = true
      emit('channel_deleted', { channel_id, delete_at: now() }, { team_id: 'team' })
    },
    /** The next so many things happen in the same millisecond. */
    standStill(count: number) {
      stoodStill = count
    },
    setEditable(value: typeof editable) {
      editable = value
    },
    /** Somebody else's post under a key that we are going to use. */
    occupy(key: string, post: string) {
      pending.set(key, posts.find((one) => one.id === post) as FakePost)
    },
    forgetPending: () => pending.clear(),
    answer,
  }
}

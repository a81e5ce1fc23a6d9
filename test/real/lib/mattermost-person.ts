import { until } from './matrix-person.ts'

export interface MattermostPost {
  id: string
  create_at: number
  user_id: string
  channel_id: string
  root_id: string
  message: string
  type: string
  file_ids?: string[] | null
  metadata?: { reactions?: { user_id: string; emoji_name: string }[]; files?: { id: string; name: string }[] }
}

/** Somebody in a channel, over the raw API: what the bot's own library does is not trusted to test it. */
export class MattermostPerson {
  readonly id: string
  readonly #url: string
  readonly #token: string

  constructor(url: string, id: string, token: string) {
    this.#url = url
    this.id = id
    this.#token = token
  }

  async call<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const answer = await fetch(`${this.#url}/api/v4${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}` },
      ...(body && { body: JSON.stringify(body) }),
    })
    const json = (await answer.json()) as Answer & { id?: string; message?: string }
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${json.id} ${json.message}`)
    return json
  }

  /** Says something; resolves to the post's id. */
  async say(channel: string, message: string, where: { thread?: string } = {}): Promise<string> {
    const post = await this.call<MattermostPost>('POST', '/posts', {
      channel_id: channel,
      message,
      root_id: where.thread ?? '',
    })
    return post.id
  }

  react(post: string, emoji: string): Promise<unknown> {
    return this.call('POST', '/reactions', { user_id: this.id, post_id: post, emoji_name: emoji })
  }

  unreact(post: string, emoji: string): Promise<unknown> {
    return this.call('DELETE', `/users/${this.id}/posts/${post}/reactions/${emoji}`)
  }

  /** A thread without its root, oldest first. */
  async shown(thread: string): Promise<MattermostPost[]> {
    const { posts } = await this.call<{ posts: Record<string, MattermostPost> }>('GET', `/posts/${thread}/thread`)
    return Object.values(posts)
      .filter(({ id }) => id !== thread)
      .sort((a, b) => a.create_at - b.create_at)
  }

  /** Resolves with the post of a thread that matches, as soon as it is there. */
  async sees(thread: string, what: RegExp, timeoutMs?: number): Promise<MattermostPost> {
    return until(
      async () => (await this.shown(thread)).find(({ message }) => what.test(message)),
      async () =>
        `${what} in:\n${(await this.shown(thread)).map((post) => `${post.user_id}: ${post.message}`).join('\n---\n')}`,
      timeoutMs,
    )
  }

  async download(file: string): Promise<string> {
    const answer = await fetch(`${this.#url}/api/v4/files/${file}`, {
      headers: { authorization: `Bearer ${this.#token}` },
    })
    return answer.text()
  }
}

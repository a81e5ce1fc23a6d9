/** The parts of the server's answers that we read. What does not fit is left out, never guessed. */
import { z } from 'zod'

/** Ids go into paths. */
export const Id = z.string().regex(/^[a-z0-9]{26}$/)
const time = z.number().catch(0)
const flag = z
  .unknown()
  .optional()
  .transform((value) => value === true || value === 'true')

export const Post = z.object({
  id: Id,
  create_at: z.number(),
  update_at: time,
  edit_at: time,
  delete_at: time,
  user_id: z.string(),
  channel_id: Id,
  root_id: z.union([Id, z.literal('')]).catch(''),
  /** Set on the copy that an edit leaves of what was there before. */
  original_id: z.string().catch(''),
  message: z.string().catch(''),
  type: z.string().catch(''),
  props: z
    .object({
      from_bot: flag,
      from_webhook: flag,
      from_plugin: flag,
      addedUserId: z.unknown().optional(),
      /** Our own marker: which operation of ours made the post. */
      kube_agent: z.unknown().optional(),
    })
    .catch({
      from_bot: false,
      from_webhook: false,
      from_plugin: false,
      addedUserId: undefined,
      kube_agent: undefined,
    }),
  metadata: z
    .object({ files: z.array(z.object({ name: z.string() })).catch([]) })
    .catch({ files: [] })
    .default({ files: [] }),
})
export type Post = z.output<typeof Post>

export const PostList = z.object({ order: z.array(z.string()).catch([]), posts: z.record(z.string(), z.unknown()) })

export const Reaction = z.object({
  user_id: Id,
  post_id: Id,
  emoji_name: z.string(),
  /** When it was set the last time. `create_at` stays that of the first time. */
  update_at: time,
  create_at: time,
  channel_id: z.string().catch(''),
})
export type Reaction = z.output<typeof Reaction>

export const User = z.object({
  id: Id,
  username: z.string(),
  nickname: z.string().catch(''),
  first_name: z.string().catch(''),
  last_name: z.string().catch(''),
  roles: z.string().catch(''),
  delete_at: time,
  is_bot: z.boolean().catch(false),
  /** Set for people of another server, who come through a shared channel. */
  remote_id: z.string().nullish().catch(undefined),
})
export type User = z.output<typeof User>

/** `O` public, `P` private, `D` between two, `G` a group without a team. */
export const Channel = z.object({ id: Id, type: z.string(), create_at: time })
export type Channel = z.output<typeof Channel>

/** Numbers and switches come as strings. */
export const ServerSettings = z.object({
  MaxPostSize: z.coerce.number().int().positive().catch(4_000),
  MaxFileSize: z.coerce
    .number()
    .positive()
    .catch(100 * 1024 * 1024),
  EnableFileAttachments: z
    .unknown()
    .optional()
    .transform((value) => value !== 'false'),
})
export type ServerSettings = z.output<typeof ServerSettings>

/** What comes over the socket: events, and replies to what we sent. */
export const SocketMessage = z.object({
  event: z.string().catch(''),
  seq: z.number().catch(-1),
  seq_reply: z.number().catch(0),
  status: z.string().catch(''),
  data: z.record(z.string(), z.unknown()).catch({}),
  broadcast: z
    .object({ channel_id: z.string().catch(''), user_id: z.string().catch(''), team_id: z.string().catch('') })
    .catch({ channel_id: '', user_id: '', team_id: '' }),
})
export type SocketMessage = z.output<typeof SocketMessage>

/** A field of an event that is JSON inside of a string. */
export function nested<Value>(schema: z.ZodType<Value>, value: unknown): Value | undefined {
  if (typeof value !== 'string') return undefined
  try {
    return schema.safeParse(JSON.parse(value)).data
  } catch {
    return undefined
  }
}

/** Those of a list that have the shape; the others are dropped. */
export function every<Value>(schema: z.ZodType<Value>, values: unknown): Value[] {
  if (!Array.isArray(values)) return []
  return values.flatMap((value) => {
    const parsed = schema.safeParse(value)
    return parsed.success ? [parsed.data] : []
  })
}

/** The posts that an answer lists, oldest first; the threads that stand beside them are left out. */
export function listed(answer: unknown): Post[] {
  const { order, posts } = PostList.parse(answer)
  return every(
    Post,
    order.map((id) => posts[id]),
  ).sort((a, b) => a.create_at - b.create_at)
}

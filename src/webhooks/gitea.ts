import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import * as z from 'zod'
import type { PushSignal } from '../signal.ts'
import type { WebhookSource } from './source.ts'

const hash = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/)
const address = z
  .string()
  .max(2_000)
  .regex(/^https?:\/\//)
  .catch('')
const person = z.object({ login: z.string().max(255), full_name: z.string().max(255).nullish() })
const paths = z.array(z.string()).nullish()

/** The fields of a push that we use. */
const Push = z.object({
  ref: z.string().max(1_024),
  before: hash,
  after: hash,
  compare_url: address,
  commits: z
    .array(
      z.object({
        id: hash,
        message: z.string(),
        url: address,
        author: z.object({ name: z.string().nullish(), username: z.string().nullish() }).nullish(),
        added: paths,
        removed: paths,
        modified: paths,
      }),
    )
    .nullish(),
  total_commits: z.int().nullish(),
  repository: z.object({
    id: z.int(),
    full_name: z.string().regex(/^[\w.-]{1,255}\/[\w.-]{1,255}$/),
    html_url: address,
    private: z.boolean(),
    default_branch: z.string().max(1_024),
  }),
  pusher: person.nullish(),
  sender: person.nullish(),
})

const mostFiles = 200

export function gitea(secrets: string[]): WebhookSource {
  return {
    name: 'gitea',
    deliveryHeader: 'x-gitea-delivery',
    requiredHeaders: ['x-gitea-delivery', 'x-gitea-event', 'x-gitea-signature'],

    verify(body, headers) {
      const given = String(headers['x-gitea-signature'] ?? '')
      // Buffer.from(…, 'hex') stops silently at the first bad character, so the shape is checked before.
      if (!/^[0-9a-f]{64}$/.test(given)) return false
      const signature = Buffer.from(given, 'hex')
      return (
        secrets.filter((secret) => timingSafeEqual(createHmac('sha256', secret).update(body).digest(), signature))
          .length > 0
      )
    },

    parse(body, headers) {
      if (eventOf(headers) !== 'push') return { kind: 'ignored' }
      const parsed = Push.safeParse(body)
      if (!parsed.success) return { kind: 'malformed' }
      const signal = toSignal(parsed.data)
      return signal ? { kind: 'signal', signal } : { kind: 'ignored' }
    },
  }
}

/** The finer of the two event headers; neither is signed, so the schema has the last word. */
const eventOf = (headers: IncomingHttpHeaders): string =>
  String(headers['x-gitea-event-type'] ?? headers['x-gitea-event'] ?? '')

/** Nothing for tags, deleted branches and test deliveries. */
function toSignal(push: z.output<typeof Push>): PushSignal | undefined {
  const branch = /^refs\/heads\/(.+)$/.exec(push.ref)?.[1]
  if (branch === undefined || /^0+$/.test(push.after) || push.before === push.after) return undefined
  const { repository } = push
  const pusher = push.pusher ?? push.sender
  const commits = (push.commits ?? []).slice(0, 20).toReversed()
  return {
    kind: 'push',
    source: 'gitea',
    id: `push:${repository.id}:${push.ref}:${push.before}:${push.after}`,
    repository: {
      id: repository.id,
      fullName: repository.full_name,
      url: repository.html_url,
      private: repository.private,
      defaultBranch: repository.default_branch,
    },
    branch,
    before: push.before,
    after: push.after,
    ...(push.compare_url && { compareUrl: push.compare_url }),
    pusher: { login: pusher?.login ?? '', name: pusher?.full_name || pusher?.login || 'somebody' },
    commits: commits.map((commit) => ({
      id: commit.id,
      title: (commit.message.split('\n')[0] ?? '').slice(0, 200),
      author: commit.author?.name ?? commit.author?.username ?? '',
      url: commit.url,
      files: [...(commit.added ?? []), ...(commit.modified ?? []), ...(commit.removed ?? [])].slice(0, mostFiles),
    })),
    total: push.total_commits ?? commits.length,
  }
}

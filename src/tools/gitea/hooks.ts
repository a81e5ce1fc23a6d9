import * as z from 'zod'
import { oneLine } from '../output.ts'
import { type ChangeTool, defineChange, defineRead, type ReadTool, Refusal } from '../tool.ts'
import { repositoryTarget, request, sendToGitea } from './change.ts'
import type { Gitea } from './client.ts'
import * as input from './inputs.ts'
import { tabled } from './lines.ts'
import { inRepository } from './paths.ts'
import { inExisting, readRepository } from './repositories.ts'

const Hook = z.object({
  id: z.number(),
  active: z.boolean().catch(false),
  events: z
    .array(z.string())
    .nullish()
    .transform((events) => events ?? []),
  branch_filter: z.string().catch(''),
  config: z.object({ url: z.string().catch('') }),
})

export function listWebhooks(gitea: Gitea): ReadTool {
  return defineRead({
    name: 'gitea_list_webhooks',
    description: 'Webhooks of a repository.',
    input: z.object({ owner: input.owner, repo: input.repo }),
    scopes: ['read:repository'],
    summary: ({ owner, repo }) => `webhooks of ${owner}/${repo}`,
    async run({ owner, repo }, { signal, maxBytes }) {
      const { items, more } = await inExisting(gitea, { owner, repo }, signal, () =>
        gitea.list(inRepository({ owner, repo }, '/hooks'), Hook, { signal, limit: 100 }),
      )
      const rows = items.map((hook) => [
        String(hook.id),
        hook.active ? 'active' : 'off',
        withoutSecrets(hook.config.url),
        hook.branch_filter && hook.branch_filter !== '*' ? `branches ${hook.branch_filter}` : '',
        hook.events.join(','),
      ])
      return tabled(['ID', 'STATE', 'URL', '', 'EVENTS'], rows, {
        empty: `${owner}/${repo} has no webhooks.`,
        rest: 'See the settings of the repository.',
        more,
        maxBytes,
      })
    },
  })
}

/** An address may carry a password or a key. */
function withoutSecrets(address: string): string {
  if (!URL.canParse(address)) return '(no address)'
  const { origin, pathname, search } = new URL(address)
  return `${origin}${pathname}${search && '?…'}`
}

/** Secrets do not go through a chat, so a webhook to ourselves is not made from there. */
const isReceiver = (address: string): boolean => /\/webhooks\/gitea\/*$/.test(new URL(address).pathname)

const known = [
  'create',
  'delete',
  'fork',
  'push',
  'issues',
  'issue_comment',
  'pull_request',
  'pull_request_review',
  'release',
  'repository',
  'package',
  'wiki',
  'status',
  'workflow_run',
  'workflow_job',
]

/** What the model gives as a list, people give with commas. */
const events = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(/[\s,]+/).filter(Boolean) : (value ?? undefined)),
  z.array(z.string().refine((name) => known.includes(name), `must be one of ${known.join(', ')}`)).optional(),
)

export function createWebhook(gitea: Gitea): ChangeTool {
  return defineChange({
    name: 'gitea_create_webhook',
    description: 'Add a webhook, unsigned (needs approval).',
    input: z.object({ owner: input.owner, repo: input.repo, target_url: z.string(), events }),
    effect: 'change',
    scopes: ['write:repository'],
    summary: ({ owner, repo, target_url }) =>
      `add a webhook to ${owner}/${repo} that sends to ${withoutSecrets(target_url)}`,
    target: repositoryTarget,
    async preflight({ owner, repo, target_url, events = ['push'] }, { signal }) {
      const name = { owner, repo }
      if (!/^https?:\/\//.test(target_url) || !URL.canParse(target_url))
        throw new Refusal('target_url must be an http or https address.')
      if (isReceiver(target_url))
        throw new Refusal(
          `That is where a bot like this one takes webhooks, signed ones only, and this tool makes unsigned ones. Somebody who administers ${owner}/${repo} runs \`kube-agent webhook install ${owner}/${repo}\`: it makes the webhook with a secret of its own and tries it.`,
        )
      const found = await readRepository(gitea, name, signal)
      if (found.permissions?.admin === false)
        throw new Refusal(
          `The bot's account may not administer ${owner}/${repo}; only its administrators make webhooks.`,
        )
      const path = inRepository(name, '/hooks')
      const { items } = await gitea.list(path, Hook, { signal, limit: 100 })
      if (items.some((hook) => hook.config.url === target_url))
        throw new Refusal(`${owner}/${repo} already has a webhook that sends there.`)
      const body = { type: 'gitea', active: true, events, config: { url: target_url, content_type: 'json' } }
      return {
        request: request('POST', path, body),
        diff: '',
        affects: [
          `every ${events.join(', ')} of ${found.full_name} is sent to ${new URL(target_url).host}, without a signature`,
        ],
        version: `${found.id}/${items.map((hook) => hook.id).join(',')}`,
        watch: 'none' as const,
      }
    },
    async run({ owner, repo, events = ['push'] }, approved, { signal }) {
      const made = Hook.parse(await sendToGitea(gitea, inRepository({ owner, repo }, '/hooks'), approved, signal))
      // A server that does not know an event leaves it out without a word.
      const dropped = events.filter(
        (event) => !made.events.some((taken) => taken === event || taken.startsWith(`${event}_`)),
      )
      const lost = dropped.length > 0 ? ` The server did not take ${dropped.join(', ')}.` : ''
      return oneLine(
        `Webhook ${made.id} of ${owner}/${repo} was made, for ${made.events.join(', ') || 'no events'}.${lost} A target on the own network needs [webhook] ALLOWED_HOST_LIST in Gitea's configuration.`,
      )
    },
  })
}

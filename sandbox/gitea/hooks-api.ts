import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Forge } from './index.ts'
import { pushPayload } from './push.ts'
import { notFound, paged, params, Refusal, requireUser, resolve } from './replies.ts'
import type { Hook } from './webhooks.ts'

const hookEvents = [
  'create',
  'delete',
  'push',
  'issue_comment',
  'pull_request',
  'release',
  'repository',
  'status',
  'workflow_run',
  'workflow_job',
]

const NewHook = z.object({
  type: z.string(),
  config: z.object({ url: z.string().optional(), content_type: z.string().optional(), secret: z.string().default('') }),
  events: z.array(z.string()).default([]),
  active: z.boolean().default(false),
})

/** Webhooks of the repository, with Gitea's silence about events that it does not know. */
export function serveHooks(api: FastifyInstance, forge: Forge): void {
  api.get('/hooks', async (request, reply) => {
    requireUser(request, forge)
    return paged(request, reply, forge.hooks.map(hookShape))
  })
  api.post('/hooks', async (request, reply) => {
    requireUser(request, forge)
    const asked = NewHook.safeParse(request.body)
    if (!asked.success) throw new Refusal(422, '[]: invalid hook')
    const { type, config, events, active } = asked.data
    if (type !== 'gitea') throw new Refusal(422, `Invalid hook type: ${type}`)
    if (!config.url) throw new Refusal(422, 'Missing config option: url')
    if (!config.content_type) throw new Refusal(422, 'Missing config option: content_type')
    if (!URL.canParse(config.url) || !/^https?:/.test(config.url)) throw new Refusal(422, 'Invalid url')
    const created: Hook = {
      id: Math.max(0, ...forge.hooks.map(({ id }) => id)) + 1,
      url: config.url,
      secret: config.secret,
      // Gitea drops names it does not know without a word, and takes none for push.
      events: events.length === 0 ? ['push'] : hookEvents.filter((event) => events.includes(event)),
      active,
      created: new Date().toISOString(),
    }
    forge.hooks.push(created)
    return reply.code(201).send(hookShape(created))
  })
  api.delete('/hooks/:id', async (request, reply) => {
    requireUser(request, forge)
    const index = forge.hooks.findIndex(({ id }) => String(id) === params(request).id)
    if (index < 0) throw notFound()
    forge.hooks.splice(index, 1)
    return reply.code(204).send()
  })
  api.post('/hooks/:id/tests', async (request, reply) => {
    const user = requireUser(request, forge)
    const hook = forge.hooks.find(({ id }) => String(id) === params(request).id)
    if (!hook) throw notFound()
    const head = await resolve(forge, 'main')
    const moved = { ref: 'refs/heads/main', before: head, after: head }
    forge.send(hook, 'push', await pushPayload(forge.directory, forge.repository, moved, user, forge.url))
    return reply.code(204).send()
  })
}

function hookShape({ id, url, events, active, created }: Hook) {
  return {
    id,
    type: 'gitea',
    branch_filter: '',
    config: { content_type: 'json', url },
    events,
    authorization_header: '',
    active,
    updated_at: created,
    created_at: created,
  }
}

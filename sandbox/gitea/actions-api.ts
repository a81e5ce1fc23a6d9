import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { execute, type Run, setStatus } from './actions.ts'
import { jobShape, runShape, statusShape } from './actions-shapes.ts'
import type { Forge } from './index.ts'
import { cut, notFound, params, Refusal, requireUser, resolve } from './replies.ts'

const NewStatus = z.object({
  state: z.string(),
  context: z.string().default('default'),
  description: z.string().default(''),
  target_url: z.string().default(''),
})

/** Runs, jobs, logs, reruns and statuses. */
export function serveActions(api: FastifyInstance, forge: Forge): void {
  const run = (request: FastifyRequest): Run => {
    const found = forge.runs.find(({ id }) => String(id) === params(request).id)
    if (!found) throw notFound()
    return found
  }
  const job = (request: FastifyRequest) => {
    const wanted = params(request).id
    for (const run of forge.runs) {
      const job = run.jobs.find(({ id }) => String(id) === wanted)
      if (job) return { run, job }
    }
    throw notFound(`run job with id ${wanted}: resource does not exist`)
  }

  api.get('/actions/runs', async (request) => {
    requireUser(request, forge)
    const { status, branch, head_sha } = request.query as { status?: string; branch?: string; head_sha?: string }
    const found = forge.runs.filter(
      (one) =>
        (!branch || one.branch === branch) &&
        (!head_sha || one.sha === head_sha) &&
        (!status || [one.status, one.conclusion].some((word) => word === status)),
    )
    const newestFirst = found.toReversed().map((one) => runShape(forge, one))
    return { workflow_runs: cut(request, newestFirst), total_count: found.length }
  })
  api.get('/actions/runs/:id', async (request) => runShape(forge, run(request)))
  api.get('/actions/runs/:id/jobs', async (request) => {
    const found = run(request)
    return { jobs: found.jobs.map((one) => jobShape(forge, found, one)), total_count: found.jobs.length }
  })
  api.get('/actions/jobs/:id', async (request) => {
    const found = job(request)
    return jobShape(forge, found.run, found.job)
  })
  api.get('/actions/jobs/:id/logs', async (request, reply) => {
    requireUser(request, forge)
    const found = job(request).job
    if (found.log === undefined) throw notFound('job not started')
    return sendLog(reply, request.headers.range, Buffer.from(found.log), `ci-${found.definition.name}-${found.id}.log`)
  })
  api.post('/actions/runs/:id/rerun', async (request, reply) => {
    const found = rerunnable(request)
    forge.inBackground(execute(forge, found, found.jobs))
    return reply.code(201).send(runShape(forge, found))
  })
  api.post('/actions/runs/:id/rerun-failed-jobs', async (request, reply) => {
    const found = rerunnable(request)
    const again = found.jobs.filter(({ conclusion }) => conclusion !== 'success')
    if (again.length > 0) forge.inBackground(execute(forge, found, again))
    return reply.code(201).send()
  })
  api.post('/statuses/:sha', async (request, reply) => {
    const creator = requireUser(request, forge)
    const { target_url: target, ...given } = NewStatus.parse(request.body)
    const sha = await resolve(forge, params(request).sha)
    return reply.code(201).send(statusShape(forge, await setStatus(forge, { ...given, sha, target, creator })))
  })

  function rerunnable(request: FastifyRequest): Run {
    requireUser(request, forge)
    const found = run(request)
    if (found.status !== 'completed') throw new Refusal(400, 'this workflow run is not done')
    return found
  }
}

/** A log, or the part of it that a Range header names. */
function sendLog(reply: FastifyReply, range: string | undefined, log: Buffer, name: string) {
  reply.type('text/plain; charset=utf-8').header('content-disposition', `attachment; filename="${name}"`)
  const asked = /^bytes=(\d*)-(\d*)$/.exec(range ?? '')
  if (!asked) return reply.send(log)
  const [, from = '', to = ''] = asked
  const start = from === '' ? Math.max(0, log.length - Number(to)) : Number(from)
  const end = from === '' || to === '' ? log.length - 1 : Math.min(Number(to), log.length - 1)
  if (start > end) return reply.code(416).send('invalid range: failed to overlap\n')
  reply.code(206).header('content-range', `bytes ${start}-${end}/${log.length}`)
  return reply.send(log.subarray(start, end + 1))
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { pino } from 'pino'
import { type ClusterOptions, createCluster } from '../../../src/tools/kubernetes/cluster.ts'
import { now } from './snapshot.ts'

type Query = Record<string, string | undefined>
export type Request = FastifyRequest<{ Querystring: Query }>

/** Answers instead of the lists; `undefined` leaves the request to them. */
export type Fault = (request: Request, reply: FastifyReply) => unknown

export interface ApiServer {
  /** By the path of their list, as the API server has them. */
  objects: Record<string, unknown[]>
  faults: Fault[]
  seen: { path: string; query: Query; accept: string }[]
  /** Requests at the same time, at most, so far. */
  busiest(): number
  kubeconfig: string
  cluster: ReturnType<typeof createCluster>
}

const status = (code: number, message: string) => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  message,
  code,
})

/** A refusal as the API server words it, for requests to paths that end like this. */
export const refuses =
  (end: string, code: number, message: string): Fault =>
  (request, reply) =>
    pathOf(request).endsWith(end) ? reply.code(code).send(status(code, message)) : undefined

export const pathOf = (request: Request): string => request.url.split('?')[0] ?? ''

/** An API server with paged lists of the objects that are put into it, and a client for it. */
export async function startApiServer(t: TestContext, options: Partial<ClusterOptions> = {}): Promise<ApiServer> {
  const objects: ApiServer['objects'] = {}
  const faults: Fault[] = []
  const seen: ApiServer['seen'] = []
  let running = 0
  let busiest = 0
  const app = fastify({ bodyLimit: 1024, forceCloseConnections: true })
  app.addHook('onRequest', async () => {
    busiest = Math.max(busiest, ++running)
  })
  app.addHook('onResponse', async () => {
    running--
  })
  app.get<{ Querystring: Query }>('/*', async (request, reply) => {
    const path = pathOf(request)
    seen.push({ path, query: request.query, accept: String(request.headers.accept) })
    for (const fault of faults) {
      const answer = await fault(request, reply)
      if (answer !== undefined) return answer
    }
    const list = objects[path]
    if (!list) return reply.code(404).send(status(404, 'the server could not find the requested resource'))
    return page(list, request.query)
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.after(() => app.close())
  const kubeconfig = await kubeconfigFile(t, `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
  const cluster = createCluster({
    kubeconfig,
    now: () => now,
    log: pino({ level: 'silent' }),
    namespace: 'shop',
    ...options,
  })
  return { objects, faults, seen, busiest: () => busiest, kubeconfig, cluster }
}

function page(list: unknown[], { limit, continue: from = '0' }: Query): object {
  const start = Number(from)
  const end = start + Number(limit ?? list.length)
  return {
    kind: 'List',
    metadata: end < list.length ? { continue: String(end) } : {},
    items: list.slice(start, end),
  }
}

async function kubeconfigFile(t: TestContext, server: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'kube-agent-test-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'kubeconfig')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'test', user: { token: 'not-a-real-one' } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  }
  await writeFile(path, JSON.stringify(config))
  return path
}

/** Pods `pod-0` to `pod-<count - 1>`, in the order of their numbers. */
export const podsIn = (namespace: string, count: number): object[] =>
  Array.from({ length: count }, (_, index) => ({ metadata: { name: `pod-${index}`, namespace } }))

import { fastify } from 'fastify'
import type { Logger } from 'pino'
import { stringify } from 'yaml'
import { type Clock, systemClock } from '../clock.ts'
import { createTimeline } from '../timeline.ts'
import type { Denial } from './access.ts'
import { createRecorder } from './events.ts'
import { createKubelet } from './kubelet.ts'
import { createObjects, type Objects } from './objects.ts'
import { serveKubernetesRoutes } from './routes.ts'
import { createShop, shopAge } from './shop.ts'
import { ApiError, unauthorized } from './status.ts'
import { createWorkloads } from './workloads.ts'

export interface SandboxClusterOptions {
  clock?: Clock
  log?: Logger
  /** Bearer token that every request must carry; without one nobody is asked. */
  token?: string
  /** What the user of this cluster may not do. */
  deny?: Denial[]
  /** Milliseconds of one step in the life of a pod, such as scheduling, starting, becoming ready. */
  pace?: number
}

export interface SandboxCluster {
  /** Serves on loopback; resolves to the base URL. */
  listen(port?: number): Promise<string>
  /** A kubeconfig as YAML; available once the cluster listens. */
  kubeconfig(): string
  objects: Objects
  close(): Promise<void>
}

/** A small cluster with a broken web shop in it. It answers as a Kubernetes API server does, and its controllers act on what is changed. */
export function createSandboxCluster(options: SandboxClusterOptions = {}): SandboxCluster {
  const { clock = systemClock, log, token, deny = [], pace = 300 } = options
  const timeline = createTimeline(clock, shopAge)
  const objects = createObjects(timeline)
  const record = createRecorder(objects, timeline)
  const shop = createShop(objects)
  const kubelet = createKubelet(objects, timeline, record, shop.programs, pace, () => reconcile())
  const reconcile = createWorkloads(objects, timeline, record, kubelet)
  shop.playHistory(timeline, kubelet, reconcile)
  timeline.goLive()

  const app = fastify({ bodyLimit: 1024 * 1024, forceCloseConnections: true })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof ApiError) return reply.code(error.status.code).send(error.status)
    log?.error({ err: error }, 'sandbox cluster could not answer')
    const { statusCode = 500, message } = error as Error & { statusCode?: number }
    return reply
      .code(statusCode)
      .send({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code: statusCode })
  })
  app.addHook('onSend', async (_request, reply) => {
    if (reply.getHeader('content-type')?.toString().startsWith('application/json')) reply.type('application/json')
  })
  app.addHook('onRequest', async (request) => {
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) throw unauthorized()
  })
  serveKubernetesRoutes(app, {
    objects,
    kubelet,
    deny,
    now: () => timeline.now(),
    changed({ namespace, name }) {
      log?.info({ namespace, deployment: name }, 'sandbox deployment changed')
      // Controllers notice a change a moment later, so the answer still shows the old observedGeneration.
      timeline.after(pace, reconcile)
    },
  })

  let url: string | undefined
  return {
    async listen(port = 0) {
      url = await app.listen({ host: '127.0.0.1', port })
      return url
    },
    kubeconfig() {
      if (!url) throw new Error('The sandbox cluster does not listen yet: call listen() before kubeconfig().')
      return kubeconfig(url, token)
    },
    objects,
    async close() {
      timeline.stop()
      await app.close()
    },
  }
}

function kubeconfig(server: string, token: string | undefined): string {
  const name = 'sandbox'
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    // Clients refuse plain http unless they are told that it is meant.
    clusters: [{ name, cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user: token === undefined ? {} : { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'shop' } }],
  })
}

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Denial, isDenied, reviewAccess, reviewRules } from './access.ts'
import { type Change, patchDeployment, patchScale, putScale, readScale } from './changes.ts'
import * as discovery from './discovery.ts'
import type { Kubelet } from './kubelet.ts'
import { list, one, type Query } from './list.ts'
import { readLog } from './logs.ts'
import { apiVersionOf, type Objects, type Resource, resources } from './objects.ts'
import { type Attributes, forbidden, methodNotAllowed, notAcceptable, notFound, unknownResource } from './status.ts'

export interface Served {
  objects: Objects
  kubelet: Kubelet
  deny: Denial[]
  now(): number
  /** Called after a deployment was really changed. */
  changed(change: Change): void
}

/** The paths of the Kubernetes API that the sandbox answers. */
export function serveKubernetesRoutes(app: FastifyInstance, served: Served): void {
  serveDiscovery(app)
  for (const resource of Object.keys(resources) as Resource[]) serveReads(app, resource, served)
  serveLogs(app, served)
  serveChanges(app, served)
  serveReviews(app, served)
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?')
    const known =
      /^\/(?:api|apis\/apps|apis\/authorization\.k8s\.io|apis\/autoscaling)\/v[12]\/(?:namespaces\/[^/]+\/)?([^/]+)/.exec(
        path,
      )
    if (!known) return reply.code(404).type('text/plain; charset=utf-8').send('404 page not found\n')
    throw Object.hasOwn(resources, known[1] ?? '') && request.method !== 'GET' ? methodNotAllowed() : unknownResource()
  })
}

function serveDiscovery(app: FastifyInstance): void {
  app.get('/version', async () => discovery.version)
  app.get('/api', async () => discovery.coreVersions)
  app.get('/apis', async () => discovery.groups)
  app.get('/api/v1', async () => discovery.coreResources)
  app.get('/apis/apps/v1', async () => discovery.appsResources)
  app.get('/apis/autoscaling/v2', async () => discovery.autoscalingResources)
  app.get('/apis/authorization.k8s.io/v1', async () => discovery.authorizationResources)
  for (const path of ['/healthz', '/livez', '/readyz']) app.get(path, async () => 'ok')
}

function serveReads(app: FastifyInstance, resource: Resource, { objects, deny, now }: Served): void {
  const { group, namespaced } = resources[resource]
  const base = `${group === '' ? '/api' : '/apis'}/${apiVersionOf(resource)}`
  const scoped = namespaced ? `${base}/namespaces/:namespace/${resource}` : `${base}/${resource}`
  for (const path of new Set([`${base}/${resource}`, scoped]))
    app.get(path, async (request) => {
      const { namespace } = request.params as Partial<Where>
      allow(deny, { verb: 'list', group, resource, ...(namespace && { namespace }) })
      if ((request.query as Query).watch === 'true') throw methodNotAllowed()
      return list(objects, resource, namespace, request.query as Query, wantsTable(request), now())
    })
  app.get(`${scoped}/:name`, async (request) => {
    const { namespace, name } = request.params as Partial<Where> & { name: string }
    allow(deny, { verb: 'get', group, resource, ...(namespace && { namespace }), name })
    const object = objects.find(resource, namespace, name)
    if (!object) throw notFound(resource, name)
    return one(resource, object, request.query as Query, wantsTable(request), now())
  })
}

interface Where {
  namespace: string
  name: string
}

function serveLogs(app: FastifyInstance, { objects, kubelet, deny, now }: Served): void {
  app.get<{ Params: Where; Querystring: Query }>(
    '/api/v1/namespaces/:namespace/pods/:name/log',
    async (request, reply) => {
      const { namespace, name } = request.params
      allow(deny, { verb: 'get', group: '', resource: 'pods', subresource: 'log', namespace, name })
      const pod = objects.find('pods', namespace, name)
      if (!pod) throw notFound('pods', name)
      return reply.type('text/plain').send(readLog(pod, request.query, kubelet, now()))
    },
  )
}

function serveChanges(app: FastifyInstance, { objects, deny, changed }: Served): void {
  const path = '/apis/apps/v1/namespaces/:namespace/deployments/:name'
  const answer =
    <Result>(verb: string, subresource: string | undefined, run: (objects: Objects, change: Change) => Result) =>
    async (request: FastifyRequest): Promise<Result> => {
      const change = changeOf(request)
      const { namespace, name } = change
      allow(deny, {
        verb,
        group: 'apps',
        resource: 'deployments',
        ...(subresource && { subresource }),
        namespace,
        name,
      })
      const result = run(objects, change)
      if (change.dryRun === undefined && verb !== 'get') changed(change)
      return result
    }
  app.patch(path, answer('patch', undefined, patchDeployment))
  app.get(`${path}/scale`, answer('get', 'scale', readScale))
  app.patch(`${path}/scale`, answer('patch', 'scale', patchScale))
  app.put(`${path}/scale`, answer('update', 'scale', putScale))
}

function changeOf(request: FastifyRequest): Change {
  const { namespace, name } = request.params as Where
  const { dryRun } = request.query as Query
  const contentType = request.headers['content-type'] ?? ''
  return { namespace, name, contentType, body: String(request.body ?? ''), dryRun }
}

function serveReviews(app: FastifyInstance, { deny }: Served): void {
  const path = '/apis/authorization.k8s.io/v1'
  app.post(`${path}/selfsubjectaccessreviews`, async (request, reply) =>
    reply.code(201).send(reviewAccess(String(request.body ?? ''), deny)),
  )
  app.post(`${path}/selfsubjectrulesreviews`, async (request, reply) =>
    reply.code(201).send(reviewRules(String(request.body ?? ''), deny)),
  )
}

/** Who the sandbox takes its only user for. */
const user = 'system:serviceaccount:shop:kube-agent'

function allow(deny: Denial[], attributes: Attributes): void {
  if (isDenied(deny, attributes)) throw forbidden(user, attributes)
}

function wantsTable(request: FastifyRequest): boolean {
  const accepted = (request.headers.accept ?? '*/*').split(',').map((type) => type.trim())
  const first = accepted.find((type) => /^(application\/json|application\/\*|\*\/\*)(;|$)/.test(type))
  if (first === undefined) throw notAcceptable()
  return first.includes('as=Table')
}

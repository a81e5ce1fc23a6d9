import { timestamp } from '../clock.ts'
import type { Timeline } from '../timeline.ts'
import type { Kubelet, Programs } from './kubelet.ts'
import type { Objects } from './objects.ts'
import { images, mistypedImage, shopObjects, systemObjects } from './shop-objects.ts'
import type { Pod } from './types.ts'
import { isReady } from './workloads.ts'

const minute = 60_000
const day = 24 * 60 * minute

/** How far back the history of the sandbox goes. */
export const shopAge = 9 * day + 60 * minute

/**
 * The content of the sandbox cluster: a web shop in the namespace `shop`, three of whose workloads are broken.
 *
 * - `api` keeps the address of its database in a cache on a volume of its pod. The database has moved since, so its pods
 *   crash at every start. A new pod looks the address up and is well: a restart of the deployment helps.
 * - `worker` was scaled to 0, so the queue grows until somebody scales it up.
 * - `checkout` was given an image tag with a typing error. A restart does not help; the right tag does.
 */
export function createShop(objects: Objects) {
  const endpointCaches = new Map<string, string>()
  let queued = 0

  const programs: Programs = {
    hasImage: (image) => images.includes(image),
    start: (pod) => (appOf(pod) === 'api' ? startApi(pod) : { log: firstLines[appOf(pod)] ?? ['started'] }),
  }

  return { programs, playHistory }

  function startApi(pod: Pod) {
    const cached = endpointCaches.get(pod.metadata.uid)
    const address = cached ?? databaseAddress() ?? 'postgres.shop.svc.cluster.local:5432'
    endpointCaches.set(pod.metadata.uid, address)
    const log = [
      'level=info msg="api 3.4.1 starting"',
      cached
        ? `level=warn msg="database endpoint taken from cache, discovery skipped" address=${address} cache=/var/cache/api/endpoints.json`
        : `level=info msg="database endpoint discovered" address=${address} cache=/var/cache/api/endpoints.json`,
    ]
    if (isReachable(address))
      return { log: [...log, `level=info msg="database pool ready" address=${address} size=10`] }
    return { log: [...log, ...poolFailure(address)], exitCode: 1 }
  }

  function databaseAddress(): string | undefined {
    const address = objects.find('pods', 'shop', 'postgres-0')?.status.podIP
    return address && `${address}:5432`
  }

  function isReachable(address: string): boolean {
    return address === databaseAddress()
  }

  /** Plays nine days up to the present. Afterwards the programs go on by themselves on the timeline's clock. */
  function playHistory(timeline: Timeline, kubelet: Kubelet, reconcile: () => void) {
    systemObjects(objects, timestamp(timeline.now()))
    reconcile()
    timeline.playUntil(shopAge - minute)
    shopObjects(objects)
    reconcile()

    timeline.playUntil(50 * minute)
    everyQuarterMinute(timeline, () => work(kubelet))
    timeline.playUntil(38 * minute)
    kubelet.stop(objects.find('pods', 'shop', 'postgres-0')!)

    timeline.playUntil(31 * minute)
    const worker = objects.find('deployments', 'shop', 'worker')!
    objects.change('deployments', worker, (copy) => {
      copy.spec.replicas = 0
      copy.metadata.generation = 2
      copy.metadata.annotations = {
        ...copy.metadata.annotations,
        'kubernetes.io/change-cause': 'paused for the queue maintenance, normally 2 replicas',
      }
    })
    reconcile()

    timeline.playUntil(12 * minute)
    const checkout = objects.find('deployments', 'shop', 'checkout')!
    objects.change('deployments', checkout, (copy) => {
      copy.spec.template.spec.containers[0]!.image = mistypedImage
      copy.metadata.generation = 2
      copy.metadata.annotations = { ...copy.metadata.annotations, 'kubernetes.io/change-cause': 'release 2.8.0' }
    })
    reconcile()
    timeline.playUntil(0)
  }

  /** What the running programs do in a quarter of a minute. */
  function work(kubelet: Kubelet) {
    const pods = objects.list('pods', 'shop')
    const running = (app: string) => pods.filter((pod) => appOf(pod) === app && isReady(pod))
    const database = databaseAddress()
    for (const pod of running('api')) {
      const address = endpointCaches.get(pod.metadata.uid) ?? ''
      if (database && !isReachable(address)) kubelet.crash(pod, poolFailure(address), 1)
      else kubelet.write(pod, 'level=info msg="GET /catalog" status=200 pool_in_use=2/10')
    }
    const workers = running('worker').length
    queued = Math.max(0, queued + 90 - workers * 400)
    for (const pod of running('queue'))
      kubelet.write(pod, `queue=orders ready=${queued} consumers=${workers} incoming=6/s`)
    for (const pod of running('worker')) kubelet.write(pod, `level=info msg="orders processed" queue_ready=${queued}`)
    const answer = running('api').some(isReady) ? '200' : '502 error="upstream api: connection refused"'
    for (const pod of running('web')) kubelet.write(pod, `GET /catalog ${answer}`)
  }
}

function everyQuarterMinute(timeline: Timeline, task: () => void) {
  timeline.after(15_000, () => {
    task()
    everyQuarterMinute(timeline, task)
  })
}

function appOf(pod: Pod): string {
  return pod.metadata.labels?.app ?? ''
}

function poolFailure(address: string): string[] {
  const attempts = [1, 2, 3].map(
    (attempt) =>
      `level=error msg="database pool: cannot connect" attempt=${attempt}/3 error="dial tcp ${address}: connect: no route to host"`,
  )
  return [...attempts, 'level=fatal msg="no connection in the database pool, giving up"']
}

const firstLines: Record<string, string[]> = {
  web: ['web 5.1.0 listening on :8080', 'upstream api=http://api.shop.svc.cluster.local:8080'],
  worker: ['level=info msg="worker 1.9.2 starting" queue=orders'],
  checkout: ['checkout 2.7.0 listening on :8080'],
  postgres: ['LOG:  database system is ready to accept connections'],
  queue: ['queue 4.0.1 ready, 1 queue declared: orders'],
  coredns: ['.:53', 'CoreDNS-1.12.4'],
  'kube-proxy': ['Using iptables proxy', 'Caches are synced'],
}

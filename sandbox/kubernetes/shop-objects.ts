import type { Draft, Objects } from './objects.ts'
import type { Container, PodTemplate } from './types.ts'

const image = {
  coredns: 'registry.k8s.io/coredns/coredns:v1.12.4',
  proxy: 'registry.k8s.io/kube-proxy:v1.36.3',
  web: 'registry.shop.example/web:5.1.0',
  api: 'registry.shop.example/api:3.4.1',
  worker: 'registry.shop.example/worker:1.9.2',
  checkout: 'registry.shop.example/checkout:2.7.0',
  postgres: 'registry.shop.example/postgres:17.6',
  queue: 'registry.shop.example/queue:4.0.1',
}

/** What the registry of the sandbox has. */
export const images = [...Object.values(image), 'registry.shop.example/checkout:2.8.0']

/** The letter O where a zero was meant. */
export const mistypedImage = 'registry.shop.example/checkout:2.8.O'

export function systemObjects(objects: Objects, since: string): void {
  for (const name of ['worker-1', 'worker-2']) objects.create('nodes', node(name, since))
  for (const name of ['default', 'kube-node-lease', 'kube-public', 'kube-system', 'shop'])
    objects.create('namespaces', {
      metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
      status: { phase: 'Active' },
    })
  objects.create('deployments', deployment('kube-system', 'coredns', image.coredns, 2))
  objects.create('daemonsets', daemonSet('kube-proxy', image.proxy))
  objects.create('services', service('kube-system', 'kube-dns', 'coredns', 53, '10.96.0.10'))
  objects.create('statefulsets', statefulSet('postgres', image.postgres, 5432))
  objects.create('statefulsets', statefulSet('queue', image.queue, 5672))
}

export function shopObjects(objects: Objects): void {
  objects.create('deployments', deployment('shop', 'web', image.web, 2))
  objects.create('deployments', api())
  objects.create('deployments', deployment('shop', 'worker', image.worker, 2))
  objects.create('deployments', checkout())
  objects.create('services', service('shop', 'web', 'web', 8080, '10.96.14.20'))
  objects.create('services', service('shop', 'api', 'api', 8080, '10.96.31.7'))
  objects.create('services', service('shop', 'checkout', 'checkout', 8080, '10.96.77.140'))
  objects.create('services', service('shop', 'postgres', 'postgres', 5432, '10.96.52.3'))
  objects.create('services', service('shop', 'queue', 'queue', 5672, '10.96.60.91'))
  objects.create('persistentvolumeclaims', claim('data-postgres-0'))
  objects.create('configmaps', {
    metadata: { name: 'api-config', namespace: 'shop' },
    data: { DATABASE_HOST: 'postgres.shop.svc.cluster.local', DATABASE_POOL_SIZE: '10' },
  })
  objects.create('secrets', {
    metadata: { name: 'postgres-credentials', namespace: 'shop' },
    type: 'Opaque',
    data: { username: base64('shop'), password: base64('sandbox-only') },
  })
}

function deployment(namespace: string, name: string, imageName: string, replicas: number): Draft<'deployments'> {
  return {
    metadata: { name, namespace, generation: 1, labels: { app: name }, annotations: {} },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: template(name, imageName),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    },
    status: {},
  }
}

function api(): Draft<'deployments'> {
  const draft = deployment('shop', 'api', image.api, 2)
  const { spec } = draft.spec.template
  spec.containers[0]!.volumeMounts = [{ name: 'cache', mountPath: '/var/cache/api' }]
  spec.volumes = [{ name: 'cache', emptyDir: {} }]
  return draft
}

// Two versions must not charge the same card, so the old pods go before the new ones come.
function checkout(): Draft<'deployments'> {
  const draft = deployment('shop', 'checkout', image.checkout, 2)
  draft.spec.strategy = { type: 'Recreate' }
  return draft
}

function template(name: string, imageName: string, containerPort = 8080): PodTemplate {
  const container: Container = {
    name,
    image: imageName,
    ports: [{ containerPort, protocol: 'TCP' }],
    resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '256Mi' } },
  }
  return { metadata: { labels: { app: name } }, spec: { containers: [container] } }
}

function statefulSet(name: string, imageName: string, port: number): Draft<'statefulsets'> {
  return {
    metadata: { name, namespace: 'shop', generation: 1, labels: { app: name } },
    spec: {
      replicas: 1,
      serviceName: name,
      selector: { matchLabels: { app: name } },
      template: template(name, imageName, port),
    },
    status: { replicas: 0, readyReplicas: 0, availableReplicas: 0, observedGeneration: 1 },
  }
}

function daemonSet(name: string, imageName: string): Draft<'daemonsets'> {
  return {
    metadata: { name, namespace: 'kube-system', generation: 1 },
    spec: { selector: { matchLabels: { app: name } }, template: template(name, imageName) },
    status: {
      desiredNumberScheduled: 0,
      currentNumberScheduled: 0,
      numberReady: 0,
      updatedNumberScheduled: 0,
      numberAvailable: 0,
      observedGeneration: 1,
    },
  }
}

function service(namespace: string, name: string, app: string, port: number, clusterIP: string): Draft<'services'> {
  return {
    metadata: { name, namespace, labels: { app } },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      selector: { app },
      ports: [{ port, targetPort: port, protocol: 'TCP' }],
    },
  }
}

function claim(name: string): Draft<'persistentvolumeclaims'> {
  return {
    metadata: { name, namespace: 'shop' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '8Gi' } },
      storageClassName: 'standard',
      volumeName: 'pvc-6f0c2d52',
      volumeMode: 'Filesystem',
    },
    status: { phase: 'Bound', capacity: { storage: '8Gi' } },
  }
}

function node(name: string, since: string): Draft<'nodes'> {
  const capacity = { cpu: '4', memory: '8Gi', pods: '110' }
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    status: {
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'KubeletReady',
          message: 'kubelet is posting ready status',
          lastTransitionTime: since,
        },
      ],
      addresses: [
        { type: 'InternalIP', address: `192.0.2.1${name.at(-1)}` },
        { type: 'Hostname', address: name },
      ],
      nodeInfo: {
        kubeletVersion: 'v1.36.3',
        osImage: 'Debian GNU/Linux 12 (bookworm)',
        kernelVersion: '6.1.0-39-cloud-amd64',
        architecture: 'amd64',
        containerRuntimeVersion: 'containerd://2.1.4',
      },
      capacity,
      allocatable: capacity,
    },
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

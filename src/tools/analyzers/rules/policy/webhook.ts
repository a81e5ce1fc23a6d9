import type { Analyzer, Evidence, Finding, ObjectRef } from '../../analyzer.ts'
import { matchesSelector } from '../../kinds/meta.ts'
import type { Webhook, WebhookConfiguration } from '../../kinds/policy.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { hasLasted, isNew, minute } from '../age.ts'
import { expiryOf, lastToEnd } from '../expiry.ts'
import { merged } from '../merge.ts'
import { type Backend, backendOf, type Endpoints, endpointsByService } from '../network/endpoints.ts'
import { about, distinct, fullName, listed, soleOwner } from '../phrases.ts'
import { denialKinds, denialsOf, refusedBy } from './denials.ts'

type WebhookKind = 'ValidatingWebhookConfiguration' | 'MutatingWebhookConfiguration'

/** Admission webhooks that cannot be called, or that stand in their own way. What they do follows from `failurePolicy`. */
export const validatingWebhookConfiguration = webhookAnalyzer('ValidatingWebhookConfiguration')
export const mutatingWebhookConfiguration = webhookAnalyzer('MutatingWebhookConfiguration')

function webhookAnalyzer(kind: WebhookKind): Analyzer {
  return {
    name: kind,
    finds: 'admission webhooks that cannot be called, or that keep their own pods from starting',
    core: true,
    reads: [kind, 'Service', 'EndpointSlice', 'Namespace', ...denialKinds],
    inspect(snapshot) {
      const endpoints = endpointsByService(snapshot)
      return merged(
        snapshot
          .list(kind)
          .filter(({ metadata }) => !isNew(metadata, snapshot) && !metadata.deletionTimestamp)
          .flatMap((configuration) => inspectConfiguration(kind, configuration, endpoints, snapshot)),
      )
    },
  }
}

/** One webhook of a configuration, and the Service that it calls. */
interface Scene {
  kind: WebhookKind
  configuration: WebhookConfiguration
  webhook: Webhook
  backend: Backend
  snapshot: Snapshot
}

function inspectConfiguration(
  kind: WebhookKind,
  configuration: WebhookConfiguration,
  endpoints: Map<string, Endpoints>,
  snapshot: Snapshot,
): Finding[] {
  const called = (configuration.webhooks ?? []).filter(({ rules = [] }) => rules.length > 0)
  const scenes = called.map((webhook) => ({
    kind,
    configuration,
    webhook,
    backend: backendBehind(webhook, endpoints, snapshot),
    snapshot,
  }))
  return [
    ...together(scenes, ({ backend }) => backend.kind === 'missing', missingService),
    ...together(scenes, ({ backend }) => backend.kind === 'without-port', missingPort),
    ...together(scenes, ({ backend }) => backend.kind === 'not-ready', notReady),
    ...scenes.filter(({ backend }) => backend.kind !== 'missing').flatMap(caBundle),
    ...together(scenes, isSlow, slow),
    ...together(scenes, standsInItsOwnWay, ownWay),
  ]
}

function backendBehind({ clientConfig }: Webhook, endpoints: Map<string, Endpoints>, snapshot: Snapshot): Backend {
  const { namespace, name, port = 443 } = clientConfig?.service ?? {}
  return name === undefined ? { kind: 'unknown' } : backendOf({ namespace, name, port }, snapshot, endpoints)
}

/** One finding for all webhooks of a configuration with the same trouble; those that deny come first. */
function together(
  scenes: Scene[],
  isTroubled: (scene: Scene) => boolean,
  describe: (scene: Scene, all: Scene[]) => Finding[],
): Finding[] {
  const troubled = scenes.filter(isTroubled).toSorted((a, b) => Number(denies(b)) - Number(denies(a)))
  const [first] = troubled
  return first ? describe(first, troubled) : []
}

/** `Fail` is the default. */
const denies = ({ webhook }: Scene): boolean => webhook.failurePolicy !== 'Ignore'

function missingService(scene: Scene, all: Scene[]): Finding[] {
  const { webhook, snapshot } = scene
  const services = distinct(all.map(serviceName))
  const denials = denialsBy(all)
  return [
    finding(scene, all, {
      reason: 'MissingService',
      text: `${title(all)} cannot be called: the Service ${listed(services)} does not exist${consequence(scene)}.`,
      evidence: [
        evidence(scene, 'clientConfig.service', serviceName(scene)),
        evidence(scene, 'failurePolicy', webhook.failurePolicy ?? 'Fail'),
        evidence(scene, 'rules', rulesText(webhook)),
        ...denials.slice(0, 1).map((denial) => denial.evidence),
      ],
      affects: refusedBy(denials, snapshot),
      next: `k8s_list kind=Service namespace=${webhook.clientConfig?.service?.namespace}; without the Service the configuration has to go: k8s_get kind=${scene.kind} name=${scene.configuration.metadata.name}`,
      field: 'webhooks.clientConfig.service',
    }),
  ]
}

function missingPort(scene: Scene, all: Scene[]): Finding[] {
  const { webhook, backend } = scene
  if (backend.kind !== 'without-port') return []
  const { namespace, name } = webhook.clientConfig?.service ?? {}
  return [
    finding(scene, all, {
      reason: 'MissingServicePort',
      text: `${title(all)} cannot be called: the Service ${serviceName(scene)} has no port ${backend.port}${consequence(scene)}.`,
      evidence: [
        evidence(scene, 'clientConfig.service.port', String(backend.port)),
        {
          object: refOf('Service', { namespace, name: name ?? '' }),
          path: 'spec.ports',
          value: listed(backend.offered, 10),
        },
        evidence(scene, 'failurePolicy', webhook.failurePolicy ?? 'Fail'),
      ],
      affects: refusedBy(denialsBy(all), scene.snapshot),
      next: `k8s_get kind=Service namespace=${namespace} name=${name}`,
      field: 'webhooks.clientConfig.service.port',
    }),
  ]
}

function notReady(scene: Scene, all: Scene[]): Finding[] {
  const { webhook, backend, snapshot, kind } = scene
  const { namespace, name = '' } = webhook.clientConfig?.service ?? {}
  const service = snapshot.find('Service', namespace, name)
  if (backend.kind !== 'not-ready' || !service) return []
  const pods = podsBehind(scene)
  const since = [service.metadata.creationTimestamp, ...pods.map(({ since: time }) => time)].sort().at(-1)
  if (!hasLasted(since, 2 * minute, snapshot)) return []
  const workload = soleOwner(pods, snapshot)
  return [
    finding(scene, all, {
      ...(workload && { owner: workload }),
      // Both kinds often have one workload behind them.
      reason: kind.replace('Configuration', 'Unavailable'),
      text: `${title(all)} cannot be called: the Service ${serviceName(scene)} has no ready endpoint${consequence(scene)}.`,
      ...(since !== undefined && { since }),
      evidence: [
        evidence(scene, 'failurePolicy', webhook.failurePolicy ?? 'Fail'),
        {
          object: refOf('Service', service.metadata),
          path: 'endpoints',
          value: `0 ready, ${backend.endpoints.notReady} not ready`,
        },
        ...pods.slice(0, 3).map(({ metadata, phase }) => ({
          object: refOf('Pod', metadata),
          path: 'status.phase',
          value: phase,
        })),
      ],
      affects: refusedBy(denialsBy(all), snapshot).filter((ref) => ref.name !== workload?.name),
      next: `k8s_list_pods namespace=${namespace}`,
    }),
  ]
}

function podsBehind({ webhook, snapshot }: Scene) {
  const { namespace, name = '' } = webhook.clientConfig?.service ?? {}
  const selector = snapshot.find('Service', namespace, name)?.spec?.selector ?? {}
  if (Object.keys(selector).length === 0) return []
  return snapshot
    .list('Pod')
    .filter(
      ({ metadata }) =>
        metadata.namespace === namespace &&
        matchesSelector({ matchLabels: selector, matchExpressions: undefined }, metadata.labels),
    )
    .map(({ metadata, status }) => ({
      metadata,
      phase: status?.phase ?? 'not set',
      since:
        status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime ??
        metadata.creationTimestamp ??
        '',
    }))
}

/** The objects that the API server refused because it could not call one of these webhooks. */
function denialsBy(scenes: Scene[]) {
  const names = scenes.filter(denies).map(({ webhook }) => `failed calling webhook "${webhook.name}"`)
  const [first] = scenes
  return first ? denialsOf(first.snapshot).filter(({ message }) => names.some((name) => message.includes(name))) : []
}

function consequence({ webhook }: Scene): string {
  return webhook.failurePolicy === 'Ignore'
    ? ', so it is passed over'
    : `, so what it is asked about is denied (${rulesText(webhook)})`
}

function caBundle(scene: Scene): Finding[] {
  const { webhook, configuration, snapshot } = scene
  const { service, caBundle: bundle } = webhook.clientConfig ?? {}
  if (!service || !bundle) return []
  const path = 'clientConfig.caBundle'
  const next = `k8s_get kind=${scene.kind} name=${configuration.metadata.name}`
  if (bundle === 'absent') {
    // The controller that injects it gets ten minutes.
    if (!hasLasted(configuration.metadata.creationTimestamp, 10 * minute, snapshot)) return []
    const text = `${title([scene])} has no caBundle, so only a publicly trusted certificate of ${serviceName(scene)} would do.`
    return [
      {
        ...finding(scene, [scene], { reason: 'EmptyCaBundle', text, evidence: [evidence(scene, path, 'empty')], next }),
        severity: 'warning',
        confidence: 'medium',
      },
    ]
  }
  if (bundle === 'unreadable') {
    const text = `${title([scene])} has a caBundle that holds no certificate${consequence(scene)}.`
    return [
      finding(scene, [scene], {
        reason: 'UnreadableCaBundle',
        text,
        evidence: [evidence(scene, path, 'no PEM certificate')],
        next,
      }),
    ]
  }
  const last = lastToEnd(bundle)
  const expiry = expiryOf(last?.notAfter, snapshot)
  if (!last || expiry.kind === 'fine') return []
  const found = finding(scene, [scene], {
    reason: expiry.kind === 'over' ? 'CaBundleExpired' : 'CaBundleExpiresSoon',
    text:
      expiry.kind === 'over'
        ? `${title([scene])} has a caBundle that expired on ${expiry.at}${consequence(scene)}.`
        : `${title([scene])} has a caBundle that expires on ${expiry.at}.`,
    evidence: [evidence(scene, `${path} ${last.subject} notAfter`, last.notAfter)],
    next,
  })
  return [expiry.kind === 'over' ? { ...found, since: expiry.at } : { ...found, severity: expiry.severity }]
}

const slowSeconds = 15
const coreGroups = ['', 'apps', 'batch', '*']

function isSlow(scene: Scene): boolean {
  const { timeoutSeconds = 10, rules = [] } = scene.webhook
  return (
    denies(scene) &&
    timeoutSeconds >= slowSeconds &&
    rules.some(({ apiGroups = [] }) => apiGroups.some((group) => coreGroups.includes(group)))
  )
}

function slow(scene: Scene, all: Scene[]): Finding[] {
  const seconds = String(scene.webhook.timeoutSeconds)
  return [
    {
      ...finding(scene, all, {
        reason: 'LongWebhookTimeout',
        text: `${title(all)} may hold each request for ${seconds} s before it is denied (${rulesText(scene.webhook)}).`,
        evidence: [evidence(scene, 'timeoutSeconds', seconds)],
        next: `k8s_get kind=${scene.kind} name=${scene.configuration.metadata.name}`,
        field: 'webhooks.timeoutSeconds',
      }),
      severity: 'info',
    },
  ]
}

/** Whether its own pods, or those of the cluster itself, cannot come back without it. */
function standsInItsOwnWay(scene: Scene): boolean {
  return denies(scene) && asksAboutPods(scene.webhook) && endangered(scene).length > 0
}

const asksAboutPods = ({ rules = [], matchConditions = [] }: Webhook): boolean =>
  matchConditions.length === 0 &&
  rules.some(
    ({ apiGroups = [], resources = [], operations = [] }) =>
      (apiGroups.includes('') || apiGroups.includes('*')) &&
      resources.some((resource) => ['pods', '*', '*/*'].includes(resource)) &&
      operations.some((operation) => operation === 'CREATE' || operation === '*'),
  )

/** Namespaces that the selectors do not spare. */
function endangered({ webhook, snapshot }: Scene): string[] {
  const { namespaceSelector, objectSelector, clientConfig } = webhook
  const own = clientConfig?.service?.namespace
  return distinct([own, 'kube-system']).flatMap((name) => {
    const namespace = name === undefined ? undefined : snapshot.find('Namespace', undefined, name)
    if (name === undefined || !namespace) return []
    const labels = { 'kubernetes.io/metadata.name': name, ...namespace.metadata.labels }
    if (namespaceSelector && !matchesSelector(namespaceSelector, labels)) return []
    if (!objectSelector || isEverything(objectSelector)) return [name]
    const pods = snapshot.list('Pod').filter(({ metadata }) => metadata.namespace === name)
    return pods.some(({ metadata }) => matchesSelector(objectSelector, metadata.labels)) ? [name] : []
  })
}

const isEverything = ({ matchLabels = {}, matchExpressions = [] }: NonNullable<Webhook['objectSelector']>): boolean =>
  Object.keys(matchLabels).length === 0 && matchExpressions.length === 0

function ownWay(scene: Scene, all: Scene[]): Finding[] {
  const names = distinct(all.flatMap(endangered))
  return [
    {
      ...finding(scene, all, {
        reason: 'WebhookMatchesItsOwnNamespace',
        text: `${title(all)} is asked about pods in ${listed(names)} too: without it no pod starts there, its own neither.`,
        evidence: [
          evidence(scene, 'failurePolicy', scene.webhook.failurePolicy ?? 'Fail'),
          evidence(scene, 'namespaceSelector', `matches ${listed(names)}`),
          evidence(scene, 'rules', rulesText(scene.webhook)),
        ],
        next: `k8s_get kind=${scene.kind} name=${scene.configuration.metadata.name}`,
        field: 'webhooks.namespaceSelector',
      }),
      severity: 'info',
      confidence: 'medium',
    },
  ]
}

interface Described {
  owner?: ObjectRef
  reason: string
  text: string
  since?: string
  evidence: Evidence[]
  affects?: ObjectRef[]
  next: string
  field?: string
}

/** By default as bad as its failure policy makes it. */
function finding(scene: Scene, all: Scene[], { affects = [], ...rest }: Described): Finding {
  const { kind, configuration, snapshot } = scene
  return {
    ...about(kind, configuration.metadata, snapshot),
    severity: all.some(denies) ? 'critical' : 'warning',
    confidence: 'high',
    ...rest,
    ...(affects.length > 0 && { affects }),
  }
}

function title(scenes: Scene[]): string {
  const names = scenes.map(({ webhook }) => webhook.name)
  return `Webhook ${listed(names)} of ${scenes[0]?.kind} ${scenes[0]?.configuration.metadata.name}`
}

const serviceName = ({ webhook }: Scene): string => {
  const { namespace, name = '' } = webhook.clientConfig?.service ?? {}
  return fullName({ namespace, name })
}

/** `CREATE pods, UPDATE deployments.apps` */
const rulesText = ({ rules = [] }: Webhook): string =>
  listed(
    rules.map(({ operations = [], resources = [], apiGroups = [] }) => {
      const group = apiGroups.find((one) => one !== '')
      return `${operations.join('/')} ${resources.map((resource) => (group ? `${resource}.${group}` : resource)).join('/')}`
    }),
  )

const evidence = ({ kind, configuration, webhook }: Scene, path: string, value: string): Evidence => ({
  object: refOf(kind, configuration.metadata),
  path: `webhooks[${webhook.name}].${path}`,
  value,
})

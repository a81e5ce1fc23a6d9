import type { Analyzer, Evidence, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { IngressBackend } from '../../kinds/network.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { conditionOf, hasLasted, isNew, minute } from '../age.ts'
import { merged } from '../merge.ts'
import { about, distinct, fullName, listed } from '../phrases.ts'
import { backendOf } from './endpoints.ts'
import { controllerTrouble } from './ingress-controller.ts'

/** Ingresses that nobody serves, that lead nowhere, or that have no certificate. */
export const ingress: Analyzer = {
  name: 'Ingress',
  finds: 'missing classes, services, ports and certificates, controllers that are down, two that claim one path',
  core: true,
  reads: ['Ingress', 'IngressClass', 'Service', 'Secret', 'Certificate', 'Deployment', 'DaemonSet'],
  inspect(snapshot) {
    const classes = classesOf(snapshot)
    const settled = snapshot
      .list('Ingress')
      .filter(({ metadata }) => !isNew(metadata, snapshot) && !metadata.deletionTimestamp)
    return merged([
      ...settled.flatMap((one) => [
        ...classFindings(one, classes, snapshot),
        ...missingServices(one, snapshot),
        ...missingPorts(one, snapshot),
        ...missingSecrets(one, snapshot),
      ]),
      ...doubleRoutes(settled, classes),
    ])
  },
}

type Ingress = ObjectOf<'Ingress'>

interface Classes {
  byName: Map<string, ObjectOf<'IngressClass'>>
  default: string | undefined
}

function classesOf(snapshot: Snapshot): Classes {
  const list = snapshot.list('IngressClass')
  const isDefault = ({ metadata }: ObjectOf<'IngressClass'>) =>
    metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true'
  return {
    byName: new Map(list.map((one) => [one.metadata.name, one])),
    default: list.find(isDefault)?.metadata.name,
  }
}

const annotatedClass = ({ metadata }: Ingress): string | undefined =>
  metadata.annotations?.['kubernetes.io/ingress.class'] || undefined

const classNameOf = (one: Ingress): string | undefined => one.spec?.ingressClassName || annotatedClass(one)

/** A controller writes the address, so an Ingress with one is served. */
const hasAddress = ({ status }: Ingress): boolean => (status?.loadBalancer?.ingress ?? []).length > 0

// Google's controller knows these names without an IngressClass.
const builtIn = new Set(['gce', 'gce-internal'])

function classFindings(one: Ingress, classes: Classes, snapshot: Snapshot): Finding[] {
  if (!snapshot.isKnown('IngressClass')) return []
  const name = classNameOf(one)
  if (name === undefined) return classes.default === undefined && !hasAddress(one) ? [noClass(one, snapshot)] : []
  if (builtIn.has(name)) return []
  const known = classes.byName.get(name)
  if (known) return controllerFindings(one, known, snapshot)
  // The annotation is older than IngressClass: controllers may serve it without one.
  if (one.spec?.ingressClassName !== name && hasAddress(one)) return []
  return [missingClass(one, name, classes, snapshot)]
}

const noClass = (one: Ingress, snapshot: Snapshot): Finding => ({
  ...about('Ingress', one.metadata, snapshot),
  reason: 'NoIngressClass',
  severity: 'warning',
  confidence: 'high',
  text: `Ingress ${fullName(one.metadata)} names no IngressClass and the cluster has no default one.`,
  ...(one.metadata.creationTimestamp !== undefined && { since: one.metadata.creationTimestamp }),
  evidence: [evidence(one, 'spec.ingressClassName', 'not set'), evidence(one, 'status.loadBalancer.ingress', 'empty')],
  next: 'k8s_list kind=IngressClass',
  field: 'spec.ingressClassName',
})

function missingClass(one: Ingress, name: string, { byName }: Classes, snapshot: Snapshot): Finding {
  const isField = one.spec?.ingressClassName === name
  return {
    ...about('Ingress', one.metadata, snapshot),
    reason: 'MissingIngressClass',
    severity: 'warning',
    confidence: isField ? 'high' : 'medium',
    text: `Ingress ${fullName(one.metadata)} names the IngressClass ${name}, which does not exist.`,
    ...(one.metadata.creationTimestamp !== undefined && { since: one.metadata.creationTimestamp }),
    evidence: [
      evidence(one, isField ? 'spec.ingressClassName' : 'metadata.annotations[kubernetes.io/ingress.class]', name),
      evidence(one, 'IngressClass', byName.size > 0 ? `there is ${listed([...byName.keys()], 10)}` : 'there is none'),
    ],
    next: 'k8s_list kind=IngressClass',
    field: 'spec.ingressClassName',
  }
}

/** Not taken up while its class exists: the controller is down, or takes others but not this one. */
function controllerFindings(one: Ingress, known: ObjectOf<'IngressClass'>, snapshot: Snapshot): Finding[] {
  if (hasAddress(one) || !hasLasted(one.metadata.creationTimestamp, 10 * minute, snapshot)) return []
  const trouble = controllerTrouble(known, snapshot)
  if (!trouble) return []
  return [
    {
      ...about('Ingress', one.metadata, snapshot),
      owner: trouble.workload,
      reason: 'NoIngressController',
      severity: 'warning',
      confidence: 'medium',
      text: `Ingress ${fullName(one.metadata)} has no address: ${trouble.workload.kind} ${fullName(trouble.workload)}, the controller of its class ${known.metadata.name}, has no ready pod.`,
      evidence: [evidence(one, 'status.loadBalancer.ingress', 'empty'), trouble.evidence],
      next: `k8s_list_pods namespace=${trouble.workload.namespace}`,
    },
  ]
}

interface Route {
  host: string
  path: string
  backend: IngressBackend
  field: string
}

function routesOf({ spec }: Ingress): Route[] {
  const rules = (spec?.rules ?? []).flatMap(({ host = '*', http }) =>
    (http?.paths ?? []).map(({ path = '/', backend = { service: undefined } }) => ({
      host,
      path,
      backend,
      field: `spec.rules[${host}].http.paths[${path}].backend.service`,
    })),
  )
  const fallback = { host: '*', path: '', field: 'spec.defaultBackend.service' }
  return spec?.defaultBackend ? [...rules, { ...fallback, backend: spec.defaultBackend }] : rules
}

/** Routes to Services; other resources as backends are the controller's own. */
function serviceRoutes(one: Ingress, snapshot: Snapshot) {
  return routesOf(one).flatMap((route) => {
    const { name, port } = route.backend.service ?? {}
    if (name === undefined) return []
    const { namespace } = one.metadata
    return [{ ...route, name, backend: backendOf({ namespace, name, port: port?.name ?? port?.number }, snapshot) }]
  })
}

function missingServices(one: Ingress, snapshot: Snapshot): Finding[] {
  const missing = serviceRoutes(one, snapshot).filter(({ backend }) => backend.kind === 'missing')
  if (missing.length === 0) return []
  const names = distinct(missing.map(({ name }) => name))
  return [
    {
      ...about('Ingress', one.metadata, snapshot),
      reason: 'MissingService',
      severity: 'warning',
      confidence: 'high',
      text: `Ingress ${fullName(one.metadata)} sends ${listed(distinct(missing.map(({ host, path }) => host + path)))} to the Service ${listed(names)}, which does not exist.`,
      evidence: missing.slice(0, 3).map(({ field, name }) => evidence(one, `${field}.name`, name)),
      next: `k8s_list kind=Service namespace=${one.metadata.namespace}`,
      field: 'spec.rules.http.paths.backend.service.name',
    },
  ]
}

function missingPorts(one: Ingress, snapshot: Snapshot): Finding[] {
  const wrong = serviceRoutes(one, snapshot).flatMap(({ field, name, backend }) =>
    backend.kind === 'without-port' ? [{ field, name, ...backend }] : [],
  )
  if (wrong.length === 0) return []
  const names = distinct(wrong.map(({ name, port }) => `${port} of the Service ${name}`))
  return [
    {
      ...about('Ingress', one.metadata, snapshot),
      reason: 'MissingServicePort',
      severity: 'warning',
      confidence: 'high',
      text: `Ingress ${fullName(one.metadata)} sends to port ${listed(names)}, which has no such port.`,
      evidence: wrong.slice(0, 3).flatMap(({ field, name, port, offered }) => [
        evidence(one, `${field}.port`, String(port)),
        {
          object: refOf('Service', { namespace: one.metadata.namespace, name }),
          path: 'spec.ports',
          value: listed(offered, 10),
        },
      ]),
      next: `k8s_get kind=Service namespace=${one.metadata.namespace} name=${wrong[0]?.name}`,
      field: 'spec.rules.http.paths.backend.service.port',
    },
  ]
}

function missingSecrets(one: Ingress, snapshot: Snapshot): Finding[] {
  const { namespace } = one.metadata
  if (!snapshot.isKnown('Secret', namespace)) return []
  const missing = (one.spec?.tls ?? []).flatMap(({ secretName = '', hosts = [] }) =>
    secretName === '' || snapshot.find('Secret', namespace, secretName) || isComing(one, secretName, snapshot)
      ? []
      : [{ secretName, hosts }],
  )
  if (missing.length === 0) return []
  const names = distinct(missing.map(({ secretName }) => secretName))
  const hosts = distinct(missing.flatMap((entry) => entry.hosts))
  return [
    {
      ...about('Ingress', one.metadata, snapshot),
      reason: 'MissingTlsSecret',
      severity: 'warning',
      confidence: 'high',
      text: `Ingress ${fullName(one.metadata)} has no certificate${hosts.length > 0 ? ` for ${listed(hosts)}` : ''}: the Secret ${listed(names)} does not exist.`,
      evidence: [
        ...names.slice(0, 3).map((name) => evidence(one, 'spec.tls.secretName', name)),
        ...names.slice(0, 1).flatMap((name) => wishEvidence(namespace, name, snapshot)),
      ],
      next: `k8s_list_secrets namespace=${namespace}`,
      field: 'spec.tls.secretName',
    },
  ]
}

/** Whether cert-manager is about to make it. */
function isComing(one: Ingress, secretName: string, snapshot: Snapshot): boolean {
  const wish = wishFor(one.metadata.namespace, secretName, snapshot)
  if (wish) return !hasLasted(wish.metadata.creationTimestamp, issuing, snapshot)
  const isAnnotated = Object.keys(one.metadata.annotations ?? {}).some((key) => issuerAnnotation.test(key))
  return isAnnotated && !hasLasted(one.metadata.creationTimestamp, issuing, snapshot)
}

// A challenge over DNS may take this long.
const issuing = 15 * minute
const issuerAnnotation = /^(cert-manager\.io\/(cluster-)?issuer|kubernetes\.io\/tls-acme)$/

const wishFor = (namespace: string | undefined, secretName: string, snapshot: Snapshot) =>
  snapshot
    .list('Certificate')
    .find(({ metadata, spec }) => metadata.namespace === namespace && spec?.secretName === secretName)

function wishEvidence(namespace: string | undefined, secretName: string, snapshot: Snapshot): Evidence[] {
  const wish = wishFor(namespace, secretName, snapshot)
  if (!wish) return []
  const ready = conditionOf(wish.status?.conditions, 'Ready')
  const value = ready ? [ready.status, ready.reason, ready.message].filter(Boolean).join(' ') : 'not set'
  return [{ object: refOf('Certificate', wish.metadata), path: 'status.conditions[Ready]', value }]
}

/** The same address in two Ingresses of a class: which one answers is up to the controller. */
function doubleRoutes(list: Ingress[], classes: Classes): Finding[] {
  const routes = list.filter((one) => !isCanary(one)).flatMap((one) => addressesOf(one, classes))
  return [...Map.groupBy(routes, ({ key }) => key).values()].flatMap((group) => {
    const [oldest, ...others] = group.toSorted((a, b) => order(a.one, b.one))
    const second = others.find(({ one }) => one !== oldest?.one)
    return oldest && second ? [doubleRoute(oldest.one, second.one, oldest.address)] : []
  })
}

/** A part of the traffic, by wish. */
const isCanary = ({ metadata }: Ingress): boolean =>
  metadata.annotations?.['nginx.ingress.kubernetes.io/canary'] === 'true'

function addressesOf(one: Ingress, classes: Classes) {
  const className = classNameOf(one) ?? classes.default ?? ''
  return routesOf(one)
    .filter(({ path }) => path !== '')
    .map(({ host, path }) => ({ one, address: host + path, key: `${className} ${host} ${path}` }))
}

const order = (a: Ingress, b: Ingress): number =>
  (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') ||
  fullName(a.metadata).localeCompare(fullName(b.metadata))

function doubleRoute(older: Ingress, newer: Ingress, address: string): Finding {
  const object = refOf('Ingress', newer.metadata)
  return {
    object,
    owner: object,
    reason: 'DoubleRoute',
    severity: 'info',
    confidence: 'high',
    text: `Ingress ${fullName(newer.metadata)} claims ${address}, which Ingress ${fullName(older.metadata)} of the same class has already.`,
    evidence: [evidence(newer, 'spec.rules', address), evidence(older, 'spec.rules', address)],
    next: `k8s_get kind=Ingress namespace=${newer.metadata.namespace} name=${newer.metadata.name}`,
    field: 'spec.rules',
  }
}

const evidence = ({ metadata }: Ingress, path: string, value: string): Evidence => ({
  object: refOf('Ingress', metadata),
  path,
  value,
})

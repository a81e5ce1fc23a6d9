import { sentenceOf } from '../../text/sentence.ts'
import type { Cluster } from '../kubernetes/cluster.ts'
import { type ApiResource, apiVersionOf, createDiscovery, type Discovery } from '../kubernetes/discovery.ts'
import type { Finding, Probe, Severity, View } from './analyzer.ts'
import { parseCondition, parseTemplate, type Scope } from './expression.ts'
import { Meta, matchesSelector } from './kinds/meta.ts'
import { misfit } from './kinds/shape.ts'
import { gapOf, readPages } from './read.ts'
import { merged } from './rules/merge.ts'
import type { Unchecked } from './run.ts'
import { refOf } from './snapshot.ts'
import { nameOf } from './words.ts'

/** A rule as somebody writes it down. */
export interface Rule {
  name: string
  /** `Deployment`, `deployments`, `certificates.cert-manager.io`. */
  kind: string
  apiVersion?: string | undefined
  when: string
  text: string
  severity: Severity
  next?: string | undefined
}

/** Each rule as an analyzer of its own. Throws a sentence that names every rule that cannot be used; `taken` are names in use. */
export function customAnalyzers(rules: Rule[], taken: string[] = []): Probe[] {
  const names = new Set(taken.map((name) => name.toLowerCase()))
  const problems: string[] = []
  // All rules of a run ask the same server for its kinds.
  const discoveries = new WeakMap<Cluster, Discovery>()
  const discoveryOf: DiscoveryOf = (cluster) => {
    const known = discoveries.get(cluster) ?? createDiscovery(cluster)
    discoveries.set(cluster, known)
    return known
  }
  const probes = rules.flatMap((rule) => {
    try {
      if (names.has(rule.name.toLowerCase())) throw new Error('there is an analyzer of that name already')
      names.add(rule.name.toLowerCase())
      return [probeOf(rule, discoveryOf)]
    } catch (error) {
      problems.push(`rule ${rule.name}: ${(error as Error).message}`)
      return []
    }
  })
  if (problems.length > 0) throw new Error(`analyzers: ${problems.join('; ')}.`)
  return probes
}

type DiscoveryOf = (cluster: Cluster) => Discovery

function probeOf(rule: Rule, discoveryOf: DiscoveryOf): Probe {
  const compiled = {
    when: compile('when', parseCondition, rule.when),
    text: compile('text', parseTemplate, rule.text),
    next: rule.next === undefined ? undefined : compile('next', parseTemplate, rule.next),
  }
  // What pods belong to is found through these.
  const reads: Probe['reads'] = /^(?:v1\/)?pods?$/i.test(rule.kind) ? ['ReplicaSet', 'Job'] : []
  return { name: rule.name, core: true, reads, look: (view) => look(rule, compiled, view, discoveryOf) }
}

type Compiled = {
  when: (scope: Scope) => boolean
  text: (scope: Scope) => string
  next: ((scope: Scope) => string) | undefined
}

function compile<Result>(key: string, parse: (text: string) => Result, text: string): Result {
  try {
    return parse(text)
  } catch (error) {
    throw new Error(`${key} ${(error as Error).message}`, { cause: error })
  }
}

async function look(rule: Rule, compiled: Compiled, view: View, discoveryOf: DiscoveryOf): ReturnType<Probe['look']> {
  const gap = (error: unknown, namespace?: string): Unchecked => ({
    analyzers: [rule.name],
    kind: rule.kind,
    ...(namespace !== undefined && { namespace }),
    reason: gapOf(error),
    message: `${rule.name}: ${sentenceOf(error)}`,
  })
  let resource: ApiResource
  try {
    const name = rule.apiVersion === undefined ? rule.kind : `${rule.apiVersion}/${rule.kind}`
    resource = await discoveryOf(view.cluster).find(name, view.signal)
  } catch (error) {
    view.signal.throwIfAborted()
    return { findings: [], unchecked: [gap(error)] }
  }
  const findings: Finding[] = []
  const unchecked: Unchecked[] = []
  for (const namespace of placesOf(resource, view)) {
    try {
      const read = await readList(rule, compiled, resource, namespace, view)
      findings.push(...read.findings)
      unchecked.push(...read.failures)
    } catch (error) {
      view.signal.throwIfAborted()
      unchecked.push(gap(error, namespace))
    }
  }
  return { findings: merged(findings), unchecked }
}

const placesOf = ({ namespaced }: ApiResource, { namespaces }: View): (string | undefined)[] =>
  !namespaced || namespaces.includes('*') ? [undefined] : [...new Set(namespaces)]

/** Each object is looked at as it arrives; only what the rule says about it is kept. */
async function readList(
  rule: Rule,
  compiled: Compiled,
  resource: ApiResource,
  namespace: string | undefined,
  view: View,
): Promise<{ findings: Finding[]; failures: Unchecked[] }> {
  let findings: Finding[] = []
  let failed: { count: number; first: string } = { count: 0, first: '' }
  const apiVersion = apiVersionOf(resource)
  const place = namespace === undefined ? '' : `namespaces/${encodeURIComponent(namespace)}/`
  const path = `${resource.group === '' ? '/api' : '/apis'}/${apiVersion}/${place}${resource.resource}`
  await readPages(view.cluster, path, {
    // Their contents are nobody's business here.
    metadataOnly: resource.group === '' && resource.kind === 'Secret',
    signal: view.signal,
    begin() {
      findings = []
      failed = { count: 0, first: '' }
    },
    take(item) {
      const meta = Meta((item as { metadata?: unknown } | null)?.metadata)
      try {
        if (meta === misfit) throw new Error('an object has no name')
        if (view.labels && !matchesSelector(view.labels, meta.labels)) return
        // Items of a list do not say what they are.
        const object = { apiVersion, kind: resource.kind, ...(item as object) }
        const scope = { object, now: new Date(view.snapshot.now) }
        if (compiled.when(scope)) findings.push(toFinding(rule, compiled, resource, meta, scope, view))
      } catch (error) {
        failed.first ||= `${meta === misfit ? 'one' : nameOf(refOf(resource.kind, meta))}: ${(error as Error).message}`
        failed.count++
      }
    },
  })
  if (failed.count === 0) return { findings, failures: [] }
  const message = `${rule.name}: ${failed.count} ${failed.count === 1 ? 'object' : 'objects'} of kind ${resource.kind} could not be judged, such as ${failed.first}.`
  const where = namespace === undefined ? {} : { namespace }
  return {
    findings,
    failures: [{ analyzers: [rule.name], kind: resource.kind, ...where, reason: 'error', message }],
  }
}

function toFinding(
  rule: Rule,
  { text, next }: Compiled,
  resource: ApiResource,
  meta: Meta,
  scope: Scope,
  { snapshot }: View,
): Finding {
  const namespace = resource.namespaced ? meta.namespace : undefined
  const object = refOf(resource.kind, { name: meta.name, namespace })
  return {
    object,
    owner: snapshot.ownerOf(resource.kind, { ...meta, namespace }),
    reason: rule.name,
    severity: rule.severity,
    confidence: 'medium',
    text: text(scope),
    evidence: [{ object, path: 'rule', value: rule.when }],
    next:
      next?.(scope) ??
      `k8s_get kind=${resource.kind} name=${meta.name}${namespace === undefined ? '' : ` namespace=${namespace}`}`,
  }
}

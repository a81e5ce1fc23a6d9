import * as z from 'zod'
import type { Kind } from '../kinds.ts'
import { conditions, flag, LabelSelector, list, Meta, maybe, text, texts } from './meta.ts'

const ClusterCatalog = z.object({
  metadata: Meta,
  spec: maybe(z.object({ availabilityMode: text, source: maybe(z.object({ image: maybe(z.object({ ref: text })) })) })),
  status: maybe(z.object({ conditions, resolvedSource: maybe(z.object({ image: maybe(z.object({ ref: text })) })) })),
})

const ClusterExtension = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      source: maybe(
        z.object({
          sourceType: text,
          catalog: maybe(z.object({ packageName: text, upgradeConstraintPolicy: text })),
        }),
      ),
    }),
  ),
  status: maybe(z.object({ conditions })),
})

const ClusterServiceVersion = z.object({
  metadata: Meta,
  status: maybe(
    z.object({
      phase: text,
      reason: text,
      message: text,
      lastTransitionTime: text,
      requirementStatus: list(z.object({ kind: text, name: text, status: text, message: text })),
    }),
  ),
})

const Subscription = z.object({
  metadata: Meta,
  spec: maybe(z.object({ name: text, source: text, channel: text, installPlanApproval: text })),
  status: maybe(
    z.object({
      state: text,
      installedCSV: text,
      currentCSV: text,
      lastUpdated: text,
      installPlanRef: maybe(z.object({ name: text })),
      conditions,
    }),
  ),
})

const InstallPlan = z.object({
  metadata: Meta,
  spec: maybe(z.object({ approval: text, approved: flag, clusterServiceVersionNames: texts })),
  status: maybe(z.object({ phase: text, message: text, conditions })),
})

const CatalogSource = z.object({
  metadata: Meta,
  spec: maybe(z.object({ image: text, address: text })),
  status: maybe(
    z.object({
      message: text,
      connectionState: maybe(z.object({ lastObservedState: text, lastConnect: text, address: text })),
    }),
  ),
})

const OperatorGroup = z.object({ metadata: Meta })

const Reference = z.object({ kind: text, namespace: text, name: text })

/** What each policy has against something; what it has nothing against is dropped at once, since there is so much of it. */
const PolicyReport = z.object({
  metadata: Meta,
  scope: maybe(Reference),
  results: list(
    z.object({ policy: text, rule: text, result: text, severity: text, message: text, resources: list(Reference) }),
  ).transform((results) => results?.filter(({ result }) => result === 'fail')),
})
export type PolicyReport = z.output<typeof PolicyReport>

const NamespaceSelector = z.object({ any: flag, matchNames: texts })
const Endpoints = list(z.object({ port: text }))

const ServiceMonitor = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({ selector: maybe(LabelSelector), namespaceSelector: maybe(NamespaceSelector), endpoints: Endpoints }),
  ),
})

const PodMonitor = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      selector: maybe(LabelSelector),
      namespaceSelector: maybe(NamespaceSelector),
      podMetricsEndpoints: Endpoints,
    }),
  ),
})

const PrometheusRule = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      groups: list(
        z.object({
          name: text,
          rules: list(z.object({ alert: text, record: text, expr: maybe(z.union([z.string(), z.number()])) })),
        }),
      ),
    }),
  ),
})

const Prometheus = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      serviceMonitorSelector: maybe(LabelSelector),
      serviceMonitorNamespaceSelector: maybe(LabelSelector),
      podMonitorSelector: maybe(LabelSelector),
      podMonitorNamespaceSelector: maybe(LabelSelector),
      ruleSelector: maybe(LabelSelector),
      ruleNamespaceSelector: maybe(LabelSelector),
    }),
  ),
})
export type Prometheus = z.output<typeof Prometheus>

const olm = '/apis/olm.operatorframework.io/v1'
const operators = '/apis/operators.coreos.com/v1alpha1'
const reports = ['/apis/wgpolicyk8s.io/v1beta1', '/apis/wgpolicyk8s.io/v1alpha2']
const monitoring = '/apis/monitoring.coreos.com/v1'
const monitoringAlpha = '/apis/monitoring.coreos.com/v1alpha1'

/** Of projects that a cluster may have: OLM, Kyverno, the Prometheus operator. */
export const extensionKinds = {
  ClusterCatalog: { api: olm, resource: 'clustercatalogs', namespaced: false, schema: ClusterCatalog },
  ClusterExtension: { api: olm, resource: 'clusterextensions', namespaced: false, schema: ClusterExtension },
  ClusterServiceVersion: {
    api: operators,
    resource: 'clusterserviceversions',
    namespaced: true,
    schema: ClusterServiceVersion,
  },
  Subscription: { api: operators, resource: 'subscriptions', namespaced: true, schema: Subscription },
  InstallPlan: { api: operators, resource: 'installplans', namespaced: true, schema: InstallPlan },
  CatalogSource: { api: operators, resource: 'catalogsources', namespaced: true, schema: CatalogSource },
  OperatorGroup: {
    api: ['/apis/operators.coreos.com/v1', '/apis/operators.coreos.com/v1alpha2'],
    resource: 'operatorgroups',
    namespaced: true,
    schema: OperatorGroup,
    metadataOnly: true,
  },
  PolicyReport: { api: reports, resource: 'policyreports', namespaced: true, schema: PolicyReport },
  ClusterPolicyReport: { api: reports, resource: 'clusterpolicyreports', namespaced: false, schema: PolicyReport },
  ServiceMonitor: { api: monitoring, resource: 'servicemonitors', namespaced: true, schema: ServiceMonitor },
  PodMonitor: { api: monitoring, resource: 'podmonitors', namespaced: true, schema: PodMonitor },
  PrometheusRule: { api: monitoring, resource: 'prometheusrules', namespaced: true, schema: PrometheusRule },
  Prometheus: { api: monitoring, resource: 'prometheuses', namespaced: true, schema: Prometheus },
  PrometheusAgent: { api: monitoringAlpha, resource: 'prometheusagents', namespaced: true, schema: Prometheus },
  ThanosRuler: { api: monitoring, resource: 'thanosrulers', namespaced: true, schema: Prometheus },
} satisfies Record<string, Kind>

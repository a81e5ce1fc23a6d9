import type { Kind } from './index.ts'
import { conditions, LabelSelector, Meta } from './meta.ts'
import { flag, type Kept, list, made, maybe, numberOrText, object, text, texts } from './shape.ts'

const ClusterCatalog = object({
  metadata: Meta,
  spec: maybe(object({ availabilityMode: text, source: maybe(object({ image: maybe(object({ ref: text })) })) })),
  status: maybe(object({ conditions, resolvedSource: maybe(object({ image: maybe(object({ ref: text })) })) })),
})

const ClusterExtension = object({
  metadata: Meta,
  spec: maybe(
    object({
      source: maybe(
        object({
          sourceType: text,
          catalog: maybe(object({ packageName: text, upgradeConstraintPolicy: text })),
        }),
      ),
    }),
  ),
  status: maybe(object({ conditions })),
})

const ClusterServiceVersion = object({
  metadata: Meta,
  status: maybe(
    object({
      phase: text,
      reason: text,
      message: text,
      lastTransitionTime: text,
      requirementStatus: list(object({ kind: text, name: text, status: text, message: text })),
    }),
  ),
})

const Subscription = object({
  metadata: Meta,
  spec: maybe(object({ name: text, source: text, channel: text, installPlanApproval: text })),
  status: maybe(
    object({
      state: text,
      installedCSV: text,
      currentCSV: text,
      lastUpdated: text,
      installPlanRef: maybe(object({ name: text })),
      conditions,
    }),
  ),
})

const InstallPlan = object({
  metadata: Meta,
  spec: maybe(object({ approval: text, approved: flag, clusterServiceVersionNames: texts })),
  status: maybe(object({ phase: text, message: text, conditions })),
})

const CatalogSource = object({
  metadata: Meta,
  spec: maybe(object({ image: text, address: text })),
  status: maybe(
    object({
      message: text,
      connectionState: maybe(object({ lastObservedState: text, lastConnect: text, address: text })),
    }),
  ),
})

const OperatorGroup = object({ metadata: Meta })

const Reference = object({ kind: text, namespace: text, name: text })

/** What each policy has against something; what it has nothing against is dropped at once, since there is so much of it. */
const PolicyReport = object({
  metadata: Meta,
  scope: maybe(Reference),
  results: made(
    list(object({ policy: text, rule: text, result: text, severity: text, message: text, resources: list(Reference) })),
    (results) => results?.filter(({ result }) => result === 'fail'),
  ),
})
export type PolicyReport = Kept<typeof PolicyReport>

const NamespaceSelector = object({ any: flag, matchNames: texts })
const Endpoints = list(object({ port: text }))

const ServiceMonitor = object({
  metadata: Meta,
  spec: maybe(
    object({ selector: maybe(LabelSelector), namespaceSelector: maybe(NamespaceSelector), endpoints: Endpoints }),
  ),
})

const PodMonitor = object({
  metadata: Meta,
  spec: maybe(
    object({
      selector: maybe(LabelSelector),
      namespaceSelector: maybe(NamespaceSelector),
      podMetricsEndpoints: Endpoints,
    }),
  ),
})

const PrometheusRule = object({
  metadata: Meta,
  spec: maybe(
    object({
      groups: list(
        object({
          name: text,
          rules: list(object({ alert: text, record: text, expr: numberOrText })),
        }),
      ),
    }),
  ),
})

const Prometheus = object({
  metadata: Meta,
  spec: maybe(
    object({
      serviceMonitorSelector: maybe(LabelSelector),
      serviceMonitorNamespaceSelector: maybe(LabelSelector),
      podMonitorSelector: maybe(LabelSelector),
      podMonitorNamespaceSelector: maybe(LabelSelector),
      ruleSelector: maybe(LabelSelector),
      ruleNamespaceSelector: maybe(LabelSelector),
    }),
  ),
})
export type Prometheus = Kept<typeof Prometheus>

const olm = '/apis/olm.operatorframework.io/v1'
const operators = '/apis/operators.coreos.com/v1alpha1'
const reports = ['/apis/wgpolicyk8s.io/v1beta1', '/apis/wgpolicyk8s.io/v1alpha2']
const monitoring = '/apis/monitoring.coreos.com/v1'
const monitoringAlpha = '/apis/monitoring.coreos.com/v1alpha1'

/** Kinds of projects that a cluster may have: OLM, Kyverno, the Prometheus operator. */
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

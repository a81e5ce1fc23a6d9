import type { Analyzer } from './analyzer.ts'
import { log } from './log.ts'
import { apiService } from './rules/cluster/api-service.ts'
import { event } from './rules/cluster/event.ts'
import { finalizer } from './rules/cluster/finalizer.ts'
import { namespace } from './rules/cluster/namespace.ts'
import { node } from './rules/cluster/node.ts'
import { catalogSource } from './rules/extensions/catalog-source.ts'
import { clusterCatalog } from './rules/extensions/cluster-catalog.ts'
import { clusterExtension } from './rules/extensions/cluster-extension.ts'
import { clusterServiceVersion } from './rules/extensions/cluster-service-version.ts'
import { installPlan } from './rules/extensions/install-plan.ts'
import { operatorGroup } from './rules/extensions/operator-group.ts'
import { podMonitor } from './rules/extensions/pod-monitor.ts'
import { prometheusRule } from './rules/extensions/prometheus-rule.ts'
import { serviceMonitor } from './rules/extensions/service-monitor.ts'
import { subscription } from './rules/extensions/subscription.ts'
import { certificate } from './rules/network/certificate.ts'
import { clusterDns } from './rules/network/cluster-dns.ts'
import { gateway } from './rules/network/gateway.ts'
import { gatewayClass } from './rules/network/gateway-class.ts'
import { httpRoute } from './rules/network/http-route.ts'
import { ingress } from './rules/network/ingress.ts'
import { networkPolicy } from './rules/network/network-policy.ts'
import { service } from './rules/network/service.ts'
import { limitRange } from './rules/policy/limit-range.ts'
import { clusterPolicyReport, policyReport } from './rules/policy/policy-report.ts'
import { resourceQuota } from './rules/policy/resource-quota.ts'
import { roleBinding } from './rules/policy/role-binding.ts'
import { security } from './rules/policy/security.ts'
import { mutatingWebhookConfiguration, validatingWebhookConfiguration } from './rules/policy/webhook.ts'
import { persistentVolumeClaim } from './rules/storage/persistent-volume-claim.ts'
import { storage } from './rules/storage/storage.ts'
import { autoscaler } from './rules/workloads/autoscaler.ts'
import { configMap } from './rules/workloads/config-map.ts'
import { cronJob } from './rules/workloads/cron-job.ts'
import { daemonSet } from './rules/workloads/daemon-set.ts'
import { deployment } from './rules/workloads/deployment.ts'
import { disruptionBudget } from './rules/workloads/disruption-budget.ts'
import { job } from './rules/workloads/job.ts'
import { pod } from './rules/workloads/pod.ts'
import { references } from './rules/workloads/references.ts'
import { replicaSet } from './rules/workloads/replica-set.ts'
import { scaledObject } from './rules/workloads/scaled-object.ts'
import { statefulSet } from './rules/workloads/stateful-set.ts'

/** Every analyzer, by the name that filters use. */
export const analyzers: Analyzer[] = [
  apiService,
  autoscaler,
  catalogSource,
  certificate,
  clusterCatalog,
  clusterDns,
  clusterExtension,
  clusterPolicyReport,
  clusterServiceVersion,
  configMap,
  cronJob,
  daemonSet,
  deployment,
  disruptionBudget,
  event,
  finalizer,
  gateway,
  gatewayClass,
  httpRoute,
  ingress,
  installPlan,
  job,
  limitRange,
  mutatingWebhookConfiguration,
  namespace,
  networkPolicy,
  node,
  operatorGroup,
  persistentVolumeClaim,
  pod,
  podMonitor,
  policyReport,
  prometheusRule,
  references,
  replicaSet,
  resourceQuota,
  roleBinding,
  scaledObject,
  security,
  service,
  serviceMonitor,
  statefulSet,
  storage,
  subscription,
  validatingWebhookConfiguration,
]

/** The names of all analyzers that come with the product, the probes among them. */
export const builtInNames = [...analyzers, log].map(({ name }) => name)

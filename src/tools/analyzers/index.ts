import type { Analyzer } from './analyzer.ts'
import { apiService } from './api-service.ts'
import { autoscaler } from './autoscaler.ts'
import { catalogSource } from './catalog-source.ts'
import { certificate } from './certificate.ts'
import { clusterCatalog } from './cluster-catalog.ts'
import { clusterDns } from './cluster-dns.ts'
import { clusterExtension } from './cluster-extension.ts'
import { clusterServiceVersion } from './cluster-service-version.ts'
import { configMap } from './config-map.ts'
import { cronJob } from './cron-job.ts'
import { daemonSet } from './daemon-set.ts'
import { deployment } from './deployment.ts'
import { disruptionBudget } from './disruption-budget.ts'
import { event } from './event.ts'
import { finalizer } from './finalizer.ts'
import { gateway } from './gateway.ts'
import { gatewayClass } from './gateway-class.ts'
import { httpRoute } from './http-route.ts'
import { ingress } from './ingress.ts'
import { installPlan } from './install-plan.ts'
import { job } from './job.ts'
import { limitRange } from './limit-range.ts'
import { namespace } from './namespace.ts'
import { networkPolicy } from './network-policy.ts'
import { node } from './node.ts'
import { operatorGroup } from './operator-group.ts'
import { persistentVolumeClaim } from './persistent-volume-claim.ts'
import { pod } from './pod.ts'
import { podMonitor } from './pod-monitor.ts'
import { clusterPolicyReport, policyReport } from './policy-report.ts'
import { prometheusRule } from './prometheus-rule.ts'
import { references } from './references.ts'
import { replicaSet } from './replica-set.ts'
import { resourceQuota } from './resource-quota.ts'
import { roleBinding } from './role-binding.ts'
import { scaledObject } from './scaled-object.ts'
import { security } from './security.ts'
import { service } from './service.ts'
import { serviceMonitor } from './service-monitor.ts'
import { statefulSet } from './stateful-set.ts'
import { storage } from './storage.ts'
import { subscription } from './subscription.ts'
import { mutatingWebhookConfiguration, validatingWebhookConfiguration } from './webhook.ts'

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

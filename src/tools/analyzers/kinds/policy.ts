import * as z from 'zod'
import type { Kind } from '../kinds.ts'
import { conditions, LabelSelector, list, Meta, maybe, number, text, texts } from './meta.ts'
import { certificatesIn } from './pem.ts'

const Webhook = z.object({
  name: z.string(),
  failurePolicy: text,
  timeoutSeconds: number,
  namespaceSelector: maybe(LabelSelector),
  objectSelector: maybe(LabelSelector),
  matchConditions: list(z.object({ name: text })),
  rules: list(z.object({ apiGroups: texts, resources: texts, operations: texts })),
  clientConfig: maybe(
    z.object({
      url: text,
      service: maybe(z.object({ namespace: text, name: text, port: number })),
      caBundle: text.transform((bundle) => certificatesIn(bundle ?? '')),
    }),
  ),
})
export type Webhook = z.output<typeof Webhook>

const WebhookConfiguration = z.object({ metadata: Meta, webhooks: list(Webhook) })
export type WebhookConfiguration = z.output<typeof WebhookConfiguration>

const APIService = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      group: text,
      version: text,
      service: maybe(z.object({ namespace: text, name: text, port: number })),
    }),
  ),
  status: maybe(z.object({ conditions })),
})

const Role = z.object({
  metadata: Meta,
  rules: list(z.object({ apiGroups: texts, resources: texts, verbs: texts, nonResourceURLs: texts })),
})
export type Role = z.output<typeof Role>

const Binding = z.object({
  metadata: Meta,
  roleRef: maybe(z.object({ kind: z.string(), name: z.string() })),
  subjects: list(z.object({ kind: z.string(), name: z.string(), namespace: text })),
})
export type Binding = z.output<typeof Binding>

const admission = '/apis/admissionregistration.k8s.io/v1'
const rbac = '/apis/rbac.authorization.k8s.io/v1'

export const policyKinds = {
  ValidatingWebhookConfiguration: {
    api: admission,
    resource: 'validatingwebhookconfigurations',
    namespaced: false,
    schema: WebhookConfiguration,
  },
  MutatingWebhookConfiguration: {
    api: admission,
    resource: 'mutatingwebhookconfigurations',
    namespaced: false,
    schema: WebhookConfiguration,
  },
  APIService: {
    api: '/apis/apiregistration.k8s.io/v1',
    resource: 'apiservices',
    namespaced: false,
    schema: APIService,
  },
  ServiceAccount: {
    api: '/api/v1',
    resource: 'serviceaccounts',
    namespaced: true,
    schema: z.object({ metadata: Meta }),
    metadataOnly: true,
  },
  Role: { api: rbac, resource: 'roles', namespaced: true, schema: Role },
  ClusterRole: { api: rbac, resource: 'clusterroles', namespaced: false, schema: Role },
  RoleBinding: { api: rbac, resource: 'rolebindings', namespaced: true, schema: Binding },
  ClusterRoleBinding: { api: rbac, resource: 'clusterrolebindings', namespaced: false, schema: Binding },
} satisfies Record<string, Kind>

import type { Kind } from './index.ts'
import { conditions, LabelSelector, Meta } from './meta.ts'
import { certificatesIn } from './pem.ts'
import { type Kept, list, made, maybe, number, object, string, text, texts } from './shape.ts'

const Webhook = object({
  name: string,
  failurePolicy: text,
  timeoutSeconds: number,
  namespaceSelector: maybe(LabelSelector),
  objectSelector: maybe(LabelSelector),
  matchConditions: list(object({ name: text })),
  rules: list(object({ apiGroups: texts, resources: texts, operations: texts })),
  clientConfig: maybe(
    object({
      url: text,
      service: maybe(object({ namespace: text, name: text, port: number })),
      caBundle: made(text, (bundle) => certificatesIn(bundle ?? '')),
    }),
  ),
})
export type Webhook = Kept<typeof Webhook>

const WebhookConfiguration = object({ metadata: Meta, webhooks: list(Webhook) })
export type WebhookConfiguration = Kept<typeof WebhookConfiguration>

const APIService = object({
  metadata: Meta,
  spec: maybe(
    object({
      group: text,
      version: text,
      service: maybe(object({ namespace: text, name: text, port: number })),
    }),
  ),
  status: maybe(object({ conditions })),
})

const Role = object({
  metadata: Meta,
  rules: list(object({ apiGroups: texts, resources: texts, verbs: texts, nonResourceURLs: texts })),
})
export type Role = Kept<typeof Role>

const Binding = object({
  metadata: Meta,
  roleRef: maybe(object({ kind: string, name: string })),
  subjects: list(object({ kind: string, name: string, namespace: text })),
})
export type Binding = Kept<typeof Binding>

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
    schema: object({ metadata: Meta }),
    metadataOnly: true,
  },
  Role: { api: rbac, resource: 'roles', namespaced: true, schema: Role },
  ClusterRole: { api: rbac, resource: 'clusterroles', namespaced: false, schema: Role },
  RoleBinding: { api: rbac, resource: 'rolebindings', namespaced: true, schema: Binding },
  ClusterRoleBinding: { api: rbac, resource: 'clusterrolebindings', namespaced: false, schema: Binding },
} satisfies Record<string, Kind>

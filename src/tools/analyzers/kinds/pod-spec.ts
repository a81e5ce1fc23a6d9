import * as z from 'zod'
import { flag, list, maybe, number, strings, text, texts } from './meta.ts'

/** What a pod needs by name: a Secret or ConfigMap, perhaps a key of it, perhaps only if it is there. */
const KeyReference = z.object({ name: text, key: text, optional: flag })
const Items = list(z.object({ key: text }))

const EnvironmentVariable = z.object({
  name: text,
  valueFrom: maybe(z.object({ secretKeyRef: maybe(KeyReference), configMapKeyRef: maybe(KeyReference) })),
})

const Probe = z.object({
  initialDelaySeconds: number,
  periodSeconds: number,
  failureThreshold: number,
})
export type Probe = z.output<typeof Probe>

const SecurityContext = z.object({
  privileged: flag,
  allowPrivilegeEscalation: flag,
  runAsNonRoot: flag,
  seccompProfile: maybe(z.object({ type: text })),
  capabilities: maybe(z.object({ add: texts, drop: texts })),
})

const Container = z.object({
  name: z.string(),
  image: text,
  /** `Always` makes an init container a sidecar. */
  restartPolicy: text,
  ports: list(z.object({ name: text, containerPort: number, hostPort: number, protocol: text })),
  // Plain values are of no use here, and secrets may be among them.
  env: list(EnvironmentVariable).transform((variables) => variables?.filter(({ valueFrom }) => valueFrom)),
  envFrom: list(z.object({ secretRef: maybe(KeyReference), configMapRef: maybe(KeyReference) })),
  resources: maybe(z.object({ requests: maybe(strings), limits: maybe(strings) })),
  readinessProbe: maybe(Probe),
  startupProbe: maybe(Probe),
  securityContext: maybe(SecurityContext),
})
export type Container = z.output<typeof Container>

const ConfigMapSource = z.object({ name: text, optional: flag, items: Items })

const Volume = z.object({
  name: text,
  configMap: maybe(ConfigMapSource),
  secret: maybe(z.object({ secretName: text, optional: flag, items: Items })),
  persistentVolumeClaim: maybe(z.object({ claimName: text })),
  hostPath: maybe(z.object({ path: text })),
  ephemeral: maybe(z.object({})),
  projected: maybe(
    z.object({
      sources: list(z.object({ configMap: maybe(ConfigMapSource), secret: maybe(ConfigMapSource) })),
    }),
  ),
})

/** Of pods and of the templates that pods are made from. */
export const PodSpec = z.object({
  nodeName: text,
  nodeSelector: maybe(strings),
  serviceAccountName: text,
  automountServiceAccountToken: flag,
  hostNetwork: flag,
  hostPID: flag,
  hostIPC: flag,
  securityContext: maybe(SecurityContext),
  priorityClassName: text,
  runtimeClassName: text,
  restartPolicy: text,
  imagePullSecrets: list(z.object({ name: text })),
  schedulingGates: list(z.object({ name: text })),
  readinessGates: list(z.object({ conditionType: text })),
  containers: list(Container),
  initContainers: list(Container),
  volumes: list(Volume),
})
export type PodSpec = z.output<typeof PodSpec>

export const PodTemplate = z.object({
  metadata: maybe(z.object({ labels: maybe(strings) })),
  spec: maybe(PodSpec),
})

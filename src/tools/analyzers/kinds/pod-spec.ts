import { flag, type Kept, list, made, maybe, number, object, string, strings, text, texts } from './shape.ts'

/** What a pod needs by name: a Secret or ConfigMap, perhaps a key of it, perhaps only if it is there. */
const KeyReference = object({ name: text, key: text, optional: flag })
const Items = list(object({ key: text }))

const EnvironmentVariable = object({
  name: text,
  valueFrom: maybe(object({ secretKeyRef: maybe(KeyReference), configMapKeyRef: maybe(KeyReference) })),
})

const Probe = object({
  initialDelaySeconds: number,
  periodSeconds: number,
  failureThreshold: number,
})
export type Probe = Kept<typeof Probe>

const SecurityContext = object({
  privileged: flag,
  allowPrivilegeEscalation: flag,
  runAsNonRoot: flag,
  seccompProfile: maybe(object({ type: text })),
  capabilities: maybe(object({ add: texts, drop: texts })),
})

const Container = object({
  name: string,
  image: text,
  /** `Always` makes an init container a sidecar. */
  restartPolicy: text,
  ports: list(object({ name: text, containerPort: number, hostPort: number, protocol: text })),
  // Plain values are of no use here, and secrets may be among them.
  env: made(list(EnvironmentVariable), (variables) => variables?.filter(({ valueFrom }) => valueFrom)),
  envFrom: list(object({ secretRef: maybe(KeyReference), configMapRef: maybe(KeyReference) })),
  resources: maybe(object({ requests: strings, limits: strings })),
  readinessProbe: maybe(Probe),
  startupProbe: maybe(Probe),
  securityContext: maybe(SecurityContext),
})
export type Container = Kept<typeof Container>

const ConfigMapSource = object({ name: text, optional: flag, items: Items })

const Volume = object({
  name: text,
  configMap: maybe(ConfigMapSource),
  secret: maybe(object({ secretName: text, optional: flag, items: Items })),
  persistentVolumeClaim: maybe(object({ claimName: text })),
  hostPath: maybe(object({ path: text })),
  ephemeral: maybe(object({})),
  projected: maybe(
    object({
      sources: list(object({ configMap: maybe(ConfigMapSource), secret: maybe(ConfigMapSource) })),
    }),
  ),
})

/** The spec of pods, and of the templates that pods are made from. */
export const PodSpec = object({
  nodeName: text,
  nodeSelector: strings,
  serviceAccountName: text,
  automountServiceAccountToken: flag,
  hostNetwork: flag,
  hostPID: flag,
  hostIPC: flag,
  securityContext: maybe(SecurityContext),
  priorityClassName: text,
  runtimeClassName: text,
  restartPolicy: text,
  imagePullSecrets: list(object({ name: text })),
  schedulingGates: list(object({ name: text })),
  readinessGates: list(object({ conditionType: text })),
  containers: list(Container),
  initContainers: list(Container),
  volumes: list(Volume),
})
export type PodSpec = Kept<typeof PodSpec>

export const PodTemplate = object({
  metadata: maybe(object({ labels: strings })),
  spec: maybe(PodSpec),
})

import { cutBytes, oneLine } from '../output.ts'
import { timeAndAge } from './age.ts'
import { isSecretName, withoutPassword } from './hidden.ts'
import {
  type Condition,
  type Container,
  type ContainerState,
  type ContainerStatus,
  type Deployment,
  type Pod,
  type Probe,
  selectorOf,
} from './objects.ts'

/** A pod in the lines that matter to somebody who asks why it does not run. Values of the environment are not among them. */
export function describePod({ metadata, spec, status }: Pod, now: number): string {
  const owner = metadata.ownerReferences?.[0]
  const reason = status?.reason ? ` (${status.reason})` : ''
  const message = status?.message ? `: ${short(status.message)}` : ''
  return lines(
    `Pod ${metadata.namespace}/${metadata.name}`,
    `Phase: ${status?.phase ?? 'unknown'}${reason}${message}`,
    metadata.deletionTimestamp && `Terminating since ${timeAndAge(metadata.deletionTimestamp, now)}`,
    owner && `Owner: ${owner.kind} ${owner.name}`,
    `Node: ${spec?.nodeName ?? 'not scheduled'}, created ${timeAndAge(metadata.creationTimestamp, now)}`,
    ...conditions(status?.conditions),
    ...(spec?.initContainers ?? []).map((container) =>
      describeContainer('Init container', container, status?.initContainerStatuses, now),
    ),
    ...(spec?.containers ?? []).map((container) =>
      describeContainer('Container', container, status?.containerStatuses, now),
    ),
  )
}

function describeContainer(
  title: string,
  container: Container,
  statuses: ContainerStatus[] | undefined,
  now: number,
): string {
  const status = statuses?.find((one) => one.name === container.name)
  return lines(
    `${title} ${container.name}: image ${container.image ?? 'none'}`,
    status &&
      `  state: ${stateAndTime(status.state, now)}, ready ${status.ready ?? false}, restarts ${status.restartCount ?? 0}`,
    status?.lastState &&
      Object.keys(status.lastState).length > 0 &&
      `  last state: ${stateAndTime(status.lastState, now)}`,
    describeTemplate(container),
  )
}

function describeTemplate({ resources, env, envFrom, livenessProbe, readinessProbe, startupProbe }: Container): string {
  return lines(
    `  requests ${pairs(resources?.requests)}, limits ${pairs(resources?.limits)}`,
    describeEnvironment(env, envFrom),
    livenessProbe && `  liveness probe: ${describeProbe(livenessProbe)}`,
    readinessProbe && `  readiness probe: ${describeProbe(readinessProbe)}`,
    startupProbe && `  startup probe: ${describeProbe(startupProbe)}`,
  )
}

const shownVariables = 40

function describeEnvironment(env: Container['env'] = [], envFrom: Container['envFrom'] = []): string | undefined {
  const sources = envFrom.map(
    ({ configMapRef, secretRef }) =>
      `all of ${configMapRef ? `configmap ${configMapRef.name}` : `secret ${secretRef?.name}`}`,
  )
  const variables = env.slice(0, shownVariables).map(describeVariable)
  const more = env.length > shownVariables ? [`… ${env.length - shownVariables} more`] : []
  const parts = [...sources, ...variables, ...more]
  return parts.length > 0 ? `  env: ${parts.join(', ')}` : undefined
}

function describeVariable({ name, value, valueFrom }: NonNullable<Container['env']>[number]): string {
  const { configMapKeyRef, secretKeyRef, fieldRef } = valueFrom ?? {}
  if (secretKeyRef) return `${name}=(secret ${secretKeyRef.name}, key ${secretKeyRef.key})`
  if (configMapKeyRef) return `${name}=(configmap ${configMapKeyRef.name}, key ${configMapKeyRef.key})`
  if (fieldRef) return `${name}=(${fieldRef.fieldPath})`
  if (valueFrom) return `${name}=(a reference)`
  return `${name}=${isSecretName(name) ? '(hidden)' : short(withoutPassword(value ?? ''), 100)}`
}

/** What is called and how patient it is; headers may hold credentials and are left out. */
function describeProbe({ httpGet, tcpSocket, grpc, exec, periodSeconds, failureThreshold, ...times }: Probe): string {
  const call = httpGet
    ? `GET ${httpGet.scheme === 'HTTPS' ? 'https ' : ''}:${httpGet.port ?? '?'}${httpGet.path ?? '/'}`
    : tcpSocket
      ? `connect :${tcpSocket.port ?? '?'}`
      : grpc
        ? `grpc :${grpc.port ?? '?'}`
        : `run ${short(withoutPassword((exec?.command ?? []).join(' ')), 120)}`
  const delay = times.initialDelaySeconds ? `after ${times.initialDelaySeconds} s, ` : ''
  return `${call}, ${delay}every ${periodSeconds ?? 10} s, fails after ${failureThreshold ?? 3}, timeout ${times.timeoutSeconds ?? 1} s`
}

const stateAndTime = (state: ContainerState | undefined, now: number): string => {
  const time = state?.running ? ` since ${timeAndAge(state.running.startedAt, now)}` : ''
  const end = state?.terminated?.finishedAt ? ` at ${timeAndAge(state.terminated.finishedAt, now)}` : ''
  return describeState(state) + time + end
}

/** Without times, so that equal states of several pods read alike. */
export function describeState(state: ContainerState | undefined): string {
  const message = (text: string | undefined) => (text ? ` (${short(text)})` : '')
  if (state?.waiting) return `waiting: ${state.waiting.reason ?? 'unknown'}${message(state.waiting.message)}`
  if (state?.terminated) {
    const { reason, exitCode, message: text } = state.terminated
    return `terminated: ${reason ?? 'unknown'}, exit code ${exitCode ?? 'unknown'}${message(text)}`
  }
  return state?.running ? 'running' : 'unknown'
}

export function describeDeployment({ metadata, spec, status }: Deployment): string {
  const { strategy } = spec ?? {}
  return lines(
    `Deployment ${metadata.namespace}/${metadata.name}, generation ${metadata.generation ?? '?'} (observed ${status?.observedGeneration ?? '?'})`,
    `Replicas: ${spec?.replicas ?? 1} wanted, ${status?.updatedReplicas ?? 0} updated, ${status?.readyReplicas ?? 0} ready, ${status?.availableReplicas ?? 0} available, ${status?.unavailableReplicas ?? 0} unavailable`,
    metadata.annotations?.['kubernetes.io/change-cause'] &&
      `Change cause: ${short(metadata.annotations['kubernetes.io/change-cause'])}`,
    spec?.paused && 'Rollout is paused: changes of the template wait until it is resumed.',
    strategy &&
      `Strategy: ${strategy.type ?? 'RollingUpdate'} ${strategy.rollingUpdate ? pairs(strategy.rollingUpdate) : ''}`.trimEnd(),
    `Selector: ${selectorOf(spec?.selector)}`,
    ...conditions(status?.conditions),
    ...(spec?.template?.spec?.containers ?? []).map((container) =>
      lines(`Container ${container.name}: image ${container.image ?? 'none'}`, describeTemplate(container)),
    ),
  )
}

const conditions = (list: Condition[] | undefined): string[] =>
  (list ?? []).map(
    ({ type, status, reason, message }) =>
      `Condition ${type}=${status}${reason ? ` ${reason}` : ''}${message ? `: ${short(message)}` : ''}`,
  )

const pairs = (values: Record<string, string | number> | undefined): string =>
  Object.entries(values ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(' ') || 'none'

/** A message may be the end of a log; one line of it tells enough. */
const short = (text: string, maxBytes = 400): string => cutBytes(oneLine(text), maxBytes)

const lines = (...parts: (string | false | undefined)[]): string => parts.filter(Boolean).join('\n')

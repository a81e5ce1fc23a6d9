import type { Condition, Container, ContainerState, ContainerStatus, Deployment, Pod } from './objects.ts'

/** A pod in the lines that matter to somebody who asks why it does not run. */
export function describePod({ metadata, spec, status }: Pod): string {
  const owner = metadata.ownerReferences?.[0]
  return lines(
    `Pod ${metadata.namespace}/${metadata.name}`,
    `Phase: ${status?.phase ?? 'unknown'}${status?.reason ? ` (${status.reason})` : ''}${status?.message ? `: ${status.message}` : ''}`,
    owner && `Owner: ${owner.kind} ${owner.name}`,
    `Node: ${spec?.nodeName ?? 'not scheduled'}, created ${metadata.creationTimestamp ?? 'unknown'}`,
    ...conditions(status?.conditions),
    ...(spec?.initContainers ?? []).map((container) =>
      describeContainer(container, status?.initContainerStatuses, 'Init container'),
    ),
    ...(spec?.containers ?? []).map((container) =>
      describeContainer(container, status?.containerStatuses, 'Container'),
    ),
  )
}

function describeContainer(container: Container, statuses: ContainerStatus[] | undefined, title: string): string {
  const status = statuses?.find((one) => one.name === container.name)
  return lines(
    `${title} ${container.name}: image ${container.image ?? 'none'}`,
    status &&
      `  state: ${describeState(status.state)}, ready ${status.ready ?? false}, restarts ${status.restartCount ?? 0}`,
    status?.lastState && Object.keys(status.lastState).length > 0 && `  last state: ${describeState(status.lastState)}`,
    describeTemplate(container),
  )
}

function describeTemplate({ resources, env, livenessProbe, readinessProbe }: Container): string {
  const limits = JSON.stringify(resources?.limits ?? {}).replaceAll('"', '')
  const requests = JSON.stringify(resources?.requests ?? {}).replaceAll('"', '')
  const probes = [
    livenessProbe && `liveness ${JSON.stringify(livenessProbe)}`,
    readinessProbe && `readiness ${JSON.stringify(readinessProbe)}`,
  ]
  return lines(
    `  requests ${requests}, limits ${limits}`,
    (env?.length ?? 0) > 0 &&
      `  env: ${env?.map(({ name, value, valueFrom }) => `${name}${valueFrom ? '=(from a reference)' : isSecretName(name) ? '=(hidden)' : `=${value ?? ''}`}`).join(', ')}`,
    probes.some(Boolean) && `  probes: ${probes.filter(Boolean).join('; ')}`,
  )
}

/** Values of such variables are never shown, whatever they hold. */
const isSecretName = (name: string): boolean => /pass|pwd|secret|token|key|credential|auth|dsn|cert/i.test(name)

export function describeState(state: ContainerState | undefined): string {
  if (state?.waiting)
    return `waiting: ${state.waiting.reason ?? 'unknown'}${state.waiting.message ? ` (${state.waiting.message})` : ''}`
  if (state?.terminated) {
    const { reason, exitCode, message, finishedAt } = state.terminated
    return `terminated: ${reason ?? 'unknown'}, exit code ${exitCode ?? 'unknown'}${message ? ` (${message})` : ''}${finishedAt ? ` at ${finishedAt}` : ''}`
  }
  if (state?.running) return `running since ${state.running.startedAt ?? 'unknown'}`
  return 'unknown'
}

export function describeDeployment({ metadata, spec, status }: Deployment): string {
  const strategy = spec?.strategy
  return lines(
    `Deployment ${metadata.namespace}/${metadata.name}, generation ${metadata.generation ?? '?'} (observed ${status?.observedGeneration ?? '?'})`,
    `Replicas: ${spec?.replicas ?? 1} wanted, ${status?.updatedReplicas ?? 0} updated, ${status?.readyReplicas ?? 0} ready, ${status?.availableReplicas ?? 0} available, ${status?.unavailableReplicas ?? 0} unavailable`,
    spec?.paused && 'Rollout is paused.',
    strategy &&
      `Strategy: ${strategy.type ?? 'RollingUpdate'}${strategy.rollingUpdate ? ` ${JSON.stringify(strategy.rollingUpdate).replaceAll('"', '')}` : ''}`,
    `Selector: ${JSON.stringify(spec?.selector?.matchLabels ?? {}).replaceAll('"', '')}`,
    ...conditions(status?.conditions),
    ...(spec?.template?.spec?.containers ?? []).map((container) =>
      lines(`Container ${container.name}: image ${container.image ?? 'none'}`, describeTemplate(container)),
    ),
  )
}

const conditions = (list: Condition[] | undefined): string[] =>
  (list ?? []).map(
    ({ type, status, reason, message }) =>
      `Condition ${type}=${status}${reason ? ` ${reason}` : ''}${message ? `: ${message}` : ''}`,
  )

const lines = (...parts: (string | false | undefined)[]): string => parts.filter(Boolean).join('\n')

import type { Container, PodSpec } from '../../kinds/pod-spec.ts'

export type Level = 'baseline' | 'restricted'

/** Where a pod does not meet a Pod Security level, with the field. */
export interface Violation {
  why: string
  path: string
  value: string
}

/** The strictest level that a namespace names, whatever follows from it there. */
export function levelOf(labels: Record<string, string> = {}): { name: Level; label: string } | undefined {
  const named = ['enforce', 'warn', 'audit'].map((mode) => `pod-security.kubernetes.io/${mode}`)
  for (const name of ['restricted', 'baseline'] as const) {
    const label = named.find((one) => labels[one] === name)
    if (label) return { name, label: `metadata.labels[${label}]` }
  }
  return undefined
}

/** The rules that most pods break; Linux only. */
export function violationsOf(spec: PodSpec, level: Level): Violation[] {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])]
  const baseline = [...sharesHost(spec), ...containers.flatMap(tooMuch)]
  return level === 'baseline' ? baseline : [...baseline, ...containers.flatMap((one) => notRestricted(one, spec))]
}

function sharesHost({ hostNetwork, hostPID, hostIPC, volumes = [] }: PodSpec): Violation[] {
  const flags = Object.entries({ hostNetwork, hostPID, hostIPC }).filter(([, value]) => value)
  return [
    ...flags.map(([name]) => ({ why: `${name} is set`, path: `spec.${name}`, value: 'true' })),
    ...volumes.flatMap(({ name, hostPath }) =>
      hostPath
        ? [{ why: `volume ${name} is a hostPath`, path: `spec.volumes[${name}].hostPath`, value: hostPath.path ?? '' }]
        : [],
    ),
  ]
}

const harmless = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
])

function tooMuch({ name, securityContext, ports = [] }: Container): Violation[] {
  const path = `spec.containers[${name}]`
  const added = (securityContext?.capabilities?.add ?? []).filter((capability) => !harmless.has(capability))
  return [
    ...(securityContext?.privileged
      ? [{ why: `${name} is privileged`, path: `${path}.securityContext.privileged`, value: 'true' }]
      : []),
    ...added.map((capability) => ({
      why: `${name} adds ${capability}`,
      path: `${path}.securityContext.capabilities.add`,
      value: capability,
    })),
    ...ports.flatMap(({ hostPort }) =>
      hostPort
        ? [{ why: `${name} has the host port ${hostPort}`, path: `${path}.ports.hostPort`, value: String(hostPort) }]
        : [],
    ),
  ]
}

function notRestricted({ name, securityContext: own }: Container, { securityContext: shared }: PodSpec): Violation[] {
  const path = `spec.containers[${name}].securityContext`
  const seccomp = own?.seccompProfile?.type ?? shared?.seccompProfile?.type
  const missing: [boolean, string, string, string][] = [
    [own?.allowPrivilegeEscalation !== false, 'may gain privileges', 'allowPrivilegeEscalation', 'not false'],
    [(own?.runAsNonRoot ?? shared?.runAsNonRoot) !== true, 'may run as root', 'runAsNonRoot', 'not true'],
    [!own?.capabilities?.drop?.includes('ALL'), 'does not drop ALL capabilities', 'capabilities.drop', 'without ALL'],
    [
      seccomp !== 'RuntimeDefault' && seccomp !== 'Localhost',
      'has no seccomp profile',
      'seccompProfile.type',
      seccomp ?? 'not set',
    ],
  ]
  return missing
    .filter(([isMissing]) => isMissing)
    .map(([, why, field, value]) => ({ why: `${name} ${why}`, path: `${path}.${field}`, value }))
}

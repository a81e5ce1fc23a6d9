import type { Evidence, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf } from '../../snapshot.ts'
import { distinct, fullName, listed } from '../phrases.ts'
import { finding, type Scene } from './service-scene.ts'

/** Ports that no pod of a Service offers. */
export const ports = (scene: Scene): Finding[] => [...unknownPortNames(scene), ...undeclaredPorts(scene)]

function unknownPortNames(scene: Scene): Finding[] {
  const { service: one, pods } = scene
  const unknown = (one.spec?.ports ?? []).filter(
    ({ targetPort, protocol }) =>
      typeof targetPort === 'string' && !pods.some((pod) => offersName(pod, targetPort, protocol)),
  )
  if (unknown.length === 0 || pods.every(({ spec }) => spec === undefined)) return []
  const names = unknown.map(({ targetPort }) => String(targetPort))
  return [
    finding(scene, {
      reason: 'UnknownTargetPort',
      severity: 'warning',
      confidence: 'high',
      text: `Service ${fullName(one.metadata)} sends to the port ${listed(names)}, which no container of its pods has.`,
      evidence: portEvidence(scene, unknown),
      next: `k8s_get kind=Service namespace=${one.metadata.namespace} name=${one.metadata.name}, and compare its targetPort with the ports of the containers.`,
      field: 'spec.ports.targetPort',
    }),
  ]
}

/** Sidecars among the init containers lend their ports too. */
const containersOf = ({ spec }: Pod) => [
  ...(spec?.containers ?? []),
  ...(spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'),
]

const offersName = (pod: Pod, name: string, protocol = 'TCP'): boolean =>
  containersOf(pod).some((container) =>
    container.ports?.some((port) => port.name === name && (port.protocol ?? 'TCP') === protocol),
  )

/** Declaring ports is a courtesy, so only pods that declare some in each container can be told that one is missing. */
function undeclaredPorts(scene: Scene): Finding[] {
  const { service: one, pods } = scene
  if (one.spec?.clusterIP === 'None') return []
  const declaring = pods.filter(
    ({ spec }) => spec?.containers?.length && spec.containers.every(({ ports: own }) => own?.length),
  )
  if (declaring.length === 0 || declaring.length < pods.length) return []
  const undeclared = (one.spec?.ports ?? []).filter((port) => {
    const target = port.targetPort || port.port
    return typeof target === 'number' && !declaring.some((pod) => offersNumber(pod, target, port.protocol))
  })
  if (undeclared.length === 0) return []
  const numbers = undeclared.map(({ targetPort, port }) => String(targetPort || port))
  return [
    finding(scene, {
      reason: 'UndeclaredTargetPort',
      severity: 'info',
      confidence: 'low',
      text: `Service ${fullName(one.metadata)} sends to the port ${listed(numbers)}, which its pods do not declare.`,
      evidence: portEvidence(scene, undeclared),
      next: `k8s_get_pod_logs namespace=${one.metadata.namespace} name=${pods[0]?.metadata.name}, to see which port it listens on.`,
      field: 'spec.ports.targetPort',
    }),
  ]
}

const offersNumber = (pod: Pod, number: number, protocol = 'TCP'): boolean =>
  containersOf(pod).some(({ ports: own }) =>
    own?.some(({ containerPort, protocol: its = 'TCP' }) => containerPort === number && its === protocol),
  )

function portEvidence({ service: one, pods }: Scene, wrong: Port[]): Evidence[] {
  const object = refOf('Service', one.metadata)
  const declared = distinct(
    pods
      .flatMap(containersOf)
      .flatMap(({ name, ports: own = [] }) =>
        own.map((port) => `${name}: ${[port.name, port.containerPort].filter(Boolean).join(' ')}`),
      ),
  )
  return [
    ...wrong.map(({ name, port, targetPort }) => ({
      object,
      path: `spec.ports[${name ?? port}].targetPort`,
      value: String(targetPort ?? port),
    })),
    ...pods.slice(0, 1).map(({ metadata }) => ({
      object: refOf('Pod', metadata),
      path: 'spec.containers.ports',
      value: declared.join(', ') || 'none',
    })),
  ]
}

type Pod = ObjectOf<'Pod'>
type Port = NonNullable<NonNullable<ObjectOf<'Service'>['spec']>['ports']>[number]

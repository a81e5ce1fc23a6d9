import { createHash } from 'node:crypto'
import { type Clock, timestamp } from '../clock.ts'
import type { Occurrence, Recorder } from './events.ts'
import type { Objects } from './objects.ts'
import type { Condition, ContainerStatus, Pod } from './types.ts'

/** What the containers of this cluster do. Every pod has one container. */
export interface Programs {
  /** Whether the registry has this image. */
  hasImage(image: string): boolean
  /** Called at each start of the container: what it writes, and with which code it exits, if it does. */
  start(pod: Pod): { log: string[]; exitCode?: number }
}

export interface LogLine {
  at: number
  text: string
}

export interface Kubelet {
  /** Takes a new pod through scheduling, pulling, start and readiness; how it ends depends on the programs. */
  run(pod: Pod): void
  /** Terminates the pod gracefully; its object goes a step later. */
  stop(pod: Pod): void
  /** The running container exits by itself, with these last words in its log. */
  crash(pod: Pod, log: string[], exitCode: number): void
  write(pod: Pod, text: string): void
  /** The log of the container whose id is in the status. */
  log(containerID: string): LogLine[]
}

const longestBackOff = 5 * 60_000
const keptLines = 500

/** Node agents and scheduler in one. Each step of a pod's life takes `pace` milliseconds; `changed` is called after each. */
export function createKubelet(
  objects: Objects,
  clock: Clock,
  record: Recorder,
  programs: Programs,
  pace: number,
  changed: () => void,
): Kubelet {
  const logs = new Map<string, LogLine[]>()
  let bound = 0

  return { run, stop, crash, write, log: (containerID) => logs.get(containerID) ?? [] }

  function run(pod: Pod) {
    later(pod, pace, bind)
  }

  function bind(pod: Pod) {
    const nodes = objects.list('nodes')
    const node = nodes.find(({ metadata }) => metadata.name === pod.spec.nodeName) ?? nodes[bound % nodes.length]
    if (!node) return
    const nodeIndex = nodes.indexOf(node)
    const address = `10.244.${nodeIndex}.${(bound++ % 250) + 2}`
    const scheduled = objects.change('pods', pod, (copy) => {
      copy.spec.nodeName = node.metadata.name
      copy.status.hostIP = node.status.addresses[0]?.address ?? ''
      copy.status.podIP = address
      copy.status.startTime = timestamp(clock.now())
      copy.status.containerStatuses = copy.spec.containers.map(({ name, image }) => ({
        name,
        image,
        imageID: '',
        ready: false,
        started: false,
        restartCount: 0,
        state: { waiting: { reason: 'ContainerCreating' } },
        lastState: {},
      }))
      setReady(copy, false)
    })
    record(scheduled, {
      type: 'Normal',
      reason: 'Scheduled',
      message: `Successfully assigned ${pod.metadata.namespace}/${pod.metadata.name} to ${node.metadata.name}`,
      source: { component: 'default-scheduler' },
    })
    changed()
    later(pod, pace, (scheduledPod) => pull(scheduledPod, 10_000))
  }

  function pull(pod: Pod, backOff: number) {
    const { image } = container(pod)
    if (programs.hasImage(image)) {
      const message = `Container image "${image}" already present on machine and can be accessed by the pod`
      tell(pod, 'Normal', 'Pulled', message)
      return start(pod)
    }
    const problem = pullProblem(image)
    tell(pod, 'Normal', 'Pulling', `Pulling image "${image}"`)
    tell(pod, 'Warning', 'Failed', `Failed to pull image "${image}": ${problem}`)
    tell(pod, 'Warning', 'Failed', 'Error: ErrImagePull')
    editContainer(pod, (status) => {
      status.state = { waiting: { reason: 'ErrImagePull', message: problem } }
    })
    later(pod, pace, (failed) => backOffPull(failed, problem, backOff))
  }

  function backOffPull(pod: Pod, problem: string, backOff: number) {
    const message = `Back-off pulling image "${container(pod).image}"`
    tell(pod, 'Normal', 'BackOff', message)
    tell(pod, 'Warning', 'Failed', 'Error: ImagePullBackOff')
    editContainer(pod, (status) => {
      status.state = { waiting: { reason: 'ImagePullBackOff', message: `${message}: ErrImagePull: ${problem}` } }
    })
    later(pod, backOff, (waiting) => pull(waiting, Math.min(backOff * 2, longestBackOff)))
  }

  function start(pod: Pod) {
    const running = editContainer(pod, (status, copy) => {
      const restarted = status.lastState.terminated !== undefined
      copy.status.phase = 'Running'
      status.restartCount += restarted ? 1 : 0
      status.containerID = `containerd://${sha256(`${pod.metadata.uid}/${status.name}/${status.restartCount}`)}`
      status.imageID = `${status.image.replace(/:[^:/]+$/, '')}@sha256:${sha256(status.image)}`
      status.state = { running: { startedAt: timestamp(clock.now()) } }
      status.started = true
    })
    tell(running, 'Normal', 'Created', 'Container created')
    tell(running, 'Normal', 'Started', 'Container started')
    const program = programs.start(running)
    const { exitCode } = program
    if (exitCode === undefined) {
      for (const text of program.log) write(running, text)
      later(running, pace, becomeReady)
      return
    }
    later(running, 4 * pace, (failing) => crash(failing, program.log, exitCode))
  }

  function becomeReady(pod: Pod) {
    editContainer(pod, (status) => {
      status.ready = true
    })
  }

  function crash(pod: Pod, log: string[], exitCode: number) {
    for (const text of log) write(pod, text)
    const ended = editContainer(pod, (status) => {
      const { containerID, state } = status
      if (!containerID || !state.running) return
      const { startedAt } = state.running
      const finishedAt = timestamp(clock.now())
      status.state = { terminated: { containerID, exitCode, reason: 'Error', startedAt, finishedAt } }
      status.ready = false
      status.started = false
    })
    later(ended, pace, backOffRestart)
  }

  function backOffRestart(pod: Pod) {
    const status = containerStatus(pod)
    const wait = restartBackOff(status?.restartCount ?? 0)
    const which = `${container(pod).name} in pod ${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`
    if (wait > 0) tell(pod, 'Warning', 'BackOff', `Back-off restarting failed container ${which}`)
    const backedOff = editContainer(pod, (edited) => {
      edited.lastState = edited.state
      const message = `back-off ${backOffText(wait)} restarting failed container=${which.replace(' in pod ', ' pod=')}`
      edited.state = { waiting: wait > 0 ? { reason: 'CrashLoopBackOff', message } : { reason: 'ContainerCreating' } }
    })
    later(backedOff, wait, start)
  }

  function stop(pod: Pod) {
    if (pod.metadata.deletionTimestamp) return
    const stopping = objects.change('pods', pod, (copy) => {
      copy.metadata.deletionTimestamp = timestamp(clock.now())
      setReady(copy, false)
    })
    if (containerStatus(stopping)?.state.running)
      tell(stopping, 'Normal', 'Killing', `Stopping container ${container(pod).name}`)
    changed()
    clock.after(pace, () => {
      objects.remove('pods', stopping)
      for (const id of containerIDs(stopping)) logs.delete(id)
      changed()
    })
  }

  function write(pod: Pod, text: string) {
    const id = containerStatus(pod)?.containerID
    if (!id) return
    const lines = [...(logs.get(id) ?? []), { at: clock.now(), text }]
    logs.set(id, lines.slice(-keptLines))
  }

  /** Runs a step on the pod as it is by then, unless it is gone or going. */
  function later(pod: Pod, milliseconds: number, step: (current: Pod) => void) {
    clock.after(milliseconds, () => {
      const current = objects.find('pods', pod.metadata.namespace, pod.metadata.name)
      if (current?.metadata.uid === pod.metadata.uid && !current.metadata.deletionTimestamp) step(current)
    })
  }

  function editContainer(pod: Pod, edit: (status: ContainerStatus, copy: Pod) => void): Pod {
    const before = containerIDs(pod)
    const edited = objects.change('pods', pod, (copy) => {
      const [status] = copy.status.containerStatuses ?? []
      if (!status) return
      edit(status, copy)
      setReady(copy, status.ready)
    })
    const after = containerIDs(edited)
    for (const id of before.filter((known) => !after.includes(known))) logs.delete(id)
    changed()
    return edited
  }

  function setReady(pod: Pod, ready: boolean) {
    const unready = {
      reason: 'ContainersNotReady',
      message: `containers with unready status: [${container(pod).name}]`,
    }
    const wanted: Pick<Condition, 'type' | 'status' | 'reason' | 'message'>[] = [
      { type: 'PodScheduled', status: 'True' },
      { type: 'Initialized', status: 'True' },
      { type: 'ContainersReady', status: ready ? 'True' : 'False', ...(!ready && unready) },
      { type: 'Ready', status: ready ? 'True' : 'False', ...(!ready && unready) },
    ]
    pod.status.conditions = wanted.map((condition) => {
      const known = pod.status.conditions.find(({ type }) => type === condition.type)
      if (known?.status === condition.status) return known
      return { ...condition, lastTransitionTime: timestamp(clock.now()) }
    })
  }

  function tell(pod: Pod, type: Occurrence['type'], reason: string, message: string) {
    const host = pod.spec.nodeName
    const source = host ? { component: 'kubelet', host } : { component: 'kubelet' }
    record(pod, { type, reason, message, source, fieldPath: `spec.containers{${container(pod).name}}` })
  }
}

function container(pod: Pod) {
  return pod.spec.containers[0]!
}

function containerStatus(pod: Pod): ContainerStatus | undefined {
  return pod.status.containerStatuses?.[0]
}

/** The containers whose logs the node still has: the present one and the one before. */
function containerIDs(pod: Pod): string[] {
  const status = containerStatus(pod)
  const ids = [status?.containerID, status?.lastState.terminated?.containerID]
  return ids.filter((id) => id !== undefined)
}

function pullProblem(image: string): string {
  const because = `failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`
  return `rpc error: code = NotFound desc = ${because}`
}

/** The first restart comes at once, later ones after 10 s, doubled each time up to five minutes. */
function restartBackOff(restarts: number): number {
  return restarts === 0 ? 0 : Math.min(10_000 * 2 ** (restarts - 1), longestBackOff)
}

function backOffText(milliseconds: number): string {
  const seconds = milliseconds / 1000
  return seconds < 60 ? `${seconds}s` : `${Math.trunc(seconds / 60)}m${seconds % 60}s`
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

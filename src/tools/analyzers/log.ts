import PQueue from 'p-queue'
import { sentenceOf } from '../../text/sentence.ts'
import { cutBytes, oneLine } from '../output.ts'
import type { Evidence, Finding, Probe, View } from './analyzer.ts'
import type { ObjectOf } from './kinds/index.ts'
import { matchesSelector } from './kinds/meta.ts'
import type { ContainerStatus } from './kinds/workloads.ts'
import { shapesOf } from './log-shapes.ts'
import { gapOf } from './read.ts'
import { merged } from './rules/merge.ts'
import type { Unchecked } from './run.ts'
import { refOf } from './snapshot.ts'

type Pod = ObjectOf<'Pod'>

const tailLines = 200
const limitBytes = 256 * 1024
/** What a cluster full of broken pods costs is bounded; the others are told as not looked at. */
const mostContainers = 100
const mostShapes = 3
const mostBytes = 300

/** Lines that look like errors in the logs of containers that are not well. A text is no fact, so this runs only when it is named. */
export const log: Probe = {
  name: 'Log',
  core: false,
  // The last two for the owners of pods.
  reads: ['Pod', 'ReplicaSet', 'Job'],
  async look(view) {
    const unwell = view.snapshot
      .list('Pod')
      .filter(({ metadata }) => !view.labels || matchesSelector(view.labels, metadata.labels))
      .flatMap((pod) => unwellOf(pod).map((container) => ({ pod, container })))
    const queue = new PQueue({ concurrency: view.maxConcurrency })
    const looks = await Promise.all(
      unwell.slice(0, mostContainers).map(({ pod, container }) => queue.add(() => lookAt(pod, container, view))),
    )
    const left = unwell.length - mostContainers
    return {
      findings: merged(looks.flatMap(({ findings }) => findings)),
      unchecked: [
        ...looks.flatMap(({ unchecked }) => unchecked),
        ...(left > 0
          ? [gap(`Log: ${left} more containers that are not well were not looked at. Name a namespace.`)]
          : []),
      ],
    }
  },
}

const gap = (message: string, reason = 'error', namespace?: string): Unchecked => ({
  analyzers: ['Log'],
  kind: 'Log',
  ...(namespace !== undefined && { namespace }),
  reason,
  message,
})

/** Containers that have a log and are not as they should be: not ready, ended with an error, or started again. */
function unwellOf({ status }: Pod): ContainerStatus[] {
  const { phase, containerStatuses = [], initContainerStatuses = [] } = status ?? {}
  if (phase === 'Succeeded') return []
  const hasLog = ({ state, lastState }: ContainerStatus) =>
    state?.running !== undefined || state?.terminated !== undefined || lastState?.terminated !== undefined
  const hasFailed = ({ state, lastState }: ContainerStatus) =>
    (state?.terminated?.exitCode ?? 0) !== 0 || (lastState?.terminated?.exitCode ?? 0) !== 0
  return [
    ...initContainerStatuses.filter(hasFailed),
    ...containerStatuses.filter((one) => hasLog(one) && (one.ready !== true || hasFailed(one))),
  ]
}

async function lookAt(
  pod: Pod,
  container: ContainerStatus,
  { cluster, snapshot, signal }: View,
): Promise<{ findings: Finding[]; unchecked: Unchecked[] }> {
  const { namespace = '', name } = pod.metadata
  // A container that waits for its next start has said why in its last run.
  const previous = container.state?.running === undefined && container.state?.terminated === undefined
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log`
  const query = { container: container.name, tailLines, limitBytes, previous: previous ? 'true' : undefined }
  try {
    const shapes = shapesOf(await cluster.text(path, { signal, query }))
    return { findings: shapes.length > 0 ? [toFinding()] : [], unchecked: [] }

    function toFinding(): Finding {
      const object = refOf('Pod', pod.metadata)
      const lines = shapes.reduce((sum, { count }) => sum + count, 0)
      const evidence = shapes.slice(0, mostShapes).map(
        ({ count, example }): Evidence => ({
          object,
          path: `log[${container.name}]${count > 1 ? ` ×${count}` : ''}`,
          value: cutBytes(oneLine(example), mostBytes),
        }),
      )
      return {
        object,
        owner: snapshot.ownerOf('Pod', pod.metadata),
        reason: 'LogErrors',
        severity: 'info',
        confidence: 'low',
        text: `Container ${container.name} of pod ${namespace}/${name} wrote ${lines} ${lines === 1 ? 'line that looks like an error' : 'lines that look like errors'}${shapes.length > 1 ? ` of ${shapes.length} kinds` : ''}.`,
        evidence,
        next: `k8s_get_pod_logs name=${name} namespace=${namespace} container=${container.name}${previous ? ' previous=true' : ''}`,
      }
    }
  } catch (error) {
    signal.throwIfAborted()
    const message = `Log: container ${container.name} of pod ${namespace}/${name}: ${sentenceOf(error)}`
    return { findings: [], unchecked: [gap(message, gapOf(error), namespace)] }
  }
}

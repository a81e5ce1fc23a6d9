import type { Kubelet, LogLine } from './kubelet.ts'
import { badRequest, type FieldProblem, invalid } from './status.ts'
import type { ContainerStatus, Pod } from './types.ts'

export type LogQuery = Record<string, string | undefined>

/** The answer to `GET …/pods/<name>/log`: the text, or the refusal of API server or kubelet. */
export function readLog(pod: Pod, query: LogQuery, kubelet: Kubelet, now: number): string {
  const options = parseOptions(pod, query)
  const name = query.container || onlyContainer(pod)
  if (!pod.spec.containers.some((container) => container.name === name))
    throw badRequest(`container ${name} is not valid for pod ${pod.metadata.name}`)
  // A pod without a node has no log, and the API server says so by an empty answer.
  const status = pod.status.containerStatuses?.find((candidate) => candidate.name === name)
  if (!status) return ''
  const id = query.previous === 'true' ? previousContainer(pod, status) : presentContainer(pod, status)
  const lines = kubelet.log(id).filter(({ at }) => options.since === undefined || at >= now - options.since * 1000)
  const text = tail(lines, options.tail)
    .map((line) => render(line, query.timestamps === 'true'))
    .join('')
  return options.bytes === undefined ? text : Buffer.from(text).subarray(0, options.bytes).toString()
}

function parseOptions(pod: Pod, query: LogQuery) {
  const tailLines = integer(query.tailLines)
  const sinceSeconds = integer(query.sinceSeconds)
  const limitBytes = integer(query.limitBytes)
  const problems: FieldProblem[] = []
  if (tailLines !== undefined && tailLines < 0)
    problems.push({ field: 'tailLines', problem: `Invalid value: ${tailLines}: must be greater than or equal to 0` })
  if (limitBytes !== undefined && limitBytes < 1)
    problems.push({ field: 'limitBytes', problem: `Invalid value: ${limitBytes}: must be greater than 0` })
  if (sinceSeconds !== undefined && sinceSeconds < 1)
    problems.push({ field: 'sinceSeconds', problem: `Invalid value: ${sinceSeconds}: must be greater than 0` })
  if (problems.length > 0) throw invalid('PodLogOptions', pod.metadata.name, problems)
  return { tail: tailLines, since: sinceSeconds, bytes: limitBytes }
}

/** A whole number of the query string, in the API server's words when it is none. */
export function integer(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text)
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
}

function onlyContainer(pod: Pod): string {
  const names = pod.spec.containers.map(({ name }) => name)
  if (names.length === 1) return names[0]!
  const choice = names.join(' ')
  throw badRequest(`a container name must be specified for pod ${pod.metadata.name}, choose one of: [${choice}]`)
}

function previousContainer(pod: Pod, { name, lastState }: ContainerStatus): string {
  if (lastState.terminated) return lastState.terminated.containerID
  throw badRequest(`previous terminated container "${name}" in pod "${pod.metadata.name}" not found`)
}

/** While a container waits for its next start, its last run is what there is to read. */
function presentContainer(pod: Pod, { name, state, lastState, containerID }: ContainerStatus): string {
  if (state.running && containerID) return containerID
  const ended = state.terminated ?? lastState.terminated
  if (ended) return ended.containerID
  const reason = state.waiting?.reason ?? 'ContainerCreating'
  throw badRequest(
    `container "${name}" in pod "${pod.metadata.name}" is waiting to start: ${waitingReasons[reason] ?? reason}`,
  )
}

const waitingReasons: Record<string, string> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: 'trying and failing to pull image',
}

function tail(lines: LogLine[], count: number | undefined): LogLine[] {
  return count === undefined ? lines : lines.slice(Math.max(0, lines.length - count))
}

function render({ at, text }: LogLine, withTime: boolean): string {
  return withTime ? `${new Date(at).toISOString().replace('Z', '000000Z')} ${text}\n` : `${text}\n`
}

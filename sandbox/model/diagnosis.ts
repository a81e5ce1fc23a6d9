import type { Call } from './engineer.ts'
import { type Result, rowsOf } from './reading.ts'

/** A deployment as the lists show it. `listed` and `podsListed` are the numbers of the results it was read from. */
export interface Workload {
  name: string
  wanted: number
  ready: number
  listed: string
  podsListed: string
  pods: { name: string; ready: string; status: string; restarts: number; age: string }[]
  /** Pods that belong to no deployment: databases, queues. */
  others: string[]
}

/** Something that was read, and the number of the result it was read in. */
export interface Sight {
  text: string
  number: string
}

export type Diagnosis =
  | { kind: 'well'; counts: Sight }
  /** Somebody set it to 0; `before` is how many there were, where the events still tell. */
  | { kind: 'stopped'; counts: Sight; before?: number; scaledDown?: Sight; waiting?: Sight }
  | { kind: 'no-image'; image: Sight; problem: Sight; meant?: string }
  /** `cached`: it says itself that it works with something remembered that does not answer any more. */
  | { kind: 'crashing'; lastWords: Sight; cached?: Sight; unreachable?: Sight; replaced?: Sight }
  | { kind: 'starting'; counts: Sight }
  | { kind: 'unclear'; signs: Sight[] }

export type Look = { kind: 'look'; calls: Call[] } | { kind: 'found'; diagnosis: Diagnosis }

/** The deployments of the last lists with their pods; nothing before both lists are there. */
export function workloadsOf(results: Result[]): Workload[] | undefined {
  const deployments = results.findLast(({ tool }) => tool === 'k8s_list_deployments')
  const pods = results.findLast(({ tool }) => tool === 'k8s_list_pods')
  if (!deployments || !pods) return undefined
  const rows = rowsOf(deployments.text)
  const podRows = rowsOf(pods.text)
  const belongs = (pod: string) => rows.some(({ NAME = '' }) => isPodOf(pod, NAME))
  return rows.map(({ NAME: name = '', READY = '' }) => {
    const [ready, wanted] = READY.split('/').map(Number)
    return {
      name,
      wanted: wanted ?? 0,
      ready: ready ?? 0,
      listed: deployments.number,
      podsListed: pods.number,
      pods: podRows
        .filter(({ NAME = '' }) => isPodOf(NAME, name))
        .map(({ NAME = '', READY: podReady = '', STATUS = '', RESTARTS = '', AGE = '' }) => ({
          name: NAME,
          ready: podReady,
          status: STATUS,
          restarts: Number.parseInt(RESTARTS, 10) || 0,
          age: AGE,
        })),
      others: podRows.map(({ NAME = '' }) => NAME).filter((pod) => !belongs(pod)),
    }
  })
}

/** `api-7d9f8b5c6d-x2x4z` is a pod of `api`, not of `api-7d9f8b5c6d`. */
const isPodOf = (pod: string, deployment: string): boolean =>
  pod.startsWith(`${deployment}-`) && /^[a-z0-9]+-[a-z0-9]{5}$/.test(pod.slice(deployment.length + 1))

export const isTrouble = ({ wanted, ready }: Workload): boolean => wanted === 0 || ready < wanted

/** Looks closer, step by step, as far as the lists give reason to. */
export function diagnose(workload: Workload, results: Result[]): Look {
  const { name, wanted, ready, pods } = workload
  const detail = results.find(({ tool, input }) => tool === 'k8s_get_deployment' && input.name === name)
  const ask = { tool: 'k8s_get_deployment', input: { name } }
  if (wanted === 0) return stopped(workload, detail, ask, results)
  const noImage = pods.find(({ status }) => /ImagePull|InvalidImageName/.test(status))
  if (noImage) return withoutImage(noImage.name, detail, ask, results)
  const crashing = ready < wanted ? pods.find(({ restarts }) => restarts > 0) : undefined
  if (crashing) return crashed(workload, crashing.name, detail, ask, results)
  if (!detail) return { kind: 'look', calls: [ask] }
  if (ready >= wanted) return found({ kind: 'well', counts: countsOf(detail) })
  const stuck = pods.find((pod) => /Error|Invalid|Pending/.test(pod.status))
  return stuck ? unclear(stuck.name, results) : found({ kind: 'starting', counts: countsOf(detail) })
}

function stopped({ others }: Workload, detail: Result | undefined, ask: Call, results: Result[]): Look {
  const logs = others.map((pod) => ({ tool: 'k8s_get_pod_logs', input: { name: pod, tail: 3 } })).slice(0, 3)
  const missing = [ask, ...logs].filter((call) => !wasAsked(call, results))
  if (!detail || missing.length > 0) return { kind: 'look', calls: missing }
  const down = line(detail, /ScalingReplicaSet .*Scaled down .* from (\d+) to 0/)
  const before = Number(/from (\d+) to 0/.exec(down?.text ?? '')?.[1] ?? 0)
  const waiting = results
    .filter(({ tool }) => tool === 'k8s_get_pod_logs')
    .map((log) => line(log, /\b(consumers|workers)=0\b/))
    .find((sight) => sight !== undefined)
  return found({
    kind: 'stopped',
    counts: countsOf(detail),
    ...(before > 0 && { before }),
    ...(down && { scaledDown: down }),
    ...(waiting && { waiting }),
  })
}

function withoutImage(pod: string, detail: Result | undefined, ask: Call, results: Result[]): Look {
  const podCall = { tool: 'k8s_get_pod', input: { name: pod } }
  const shown = results.find(({ tool, input }) => tool === 'k8s_get_pod' && input.name === pod)
  if (!detail || !shown) return { kind: 'look', calls: [ask, podCall].filter((call) => !wasAsked(call, results)) }
  const image = /^Container \S+: image (\S+)/m.exec(detail.text)?.[1] ?? ''
  const problem = line(shown, /Failed to pull image .*/) ?? line(shown, /state: waiting.*/)
  const meant = withoutLetters(image)
  return found({
    kind: 'no-image',
    image: { text: image, number: detail.number },
    problem: problem ?? { text: 'the image cannot be pulled', number: shown.number },
    ...(meant !== image && { meant }),
  })
}

/** A tag of digits and dots in which letters look like digits: `2.8.O` was meant to be `2.8.0`. */
export const withoutLetters = (image: string): string =>
  image.replace(
    /:([\dOoIl.]*\d[\dOoIl.]*)$/,
    (_all, tag: string) => `:${tag.replaceAll(/[Oo]/g, '0').replaceAll(/[Il]/g, '1')}`,
  )

function crashed(workload: Workload, pod: string, detail: Result | undefined, ask: Call, results: Result[]): Look {
  const logCall = { tool: 'k8s_get_pod_logs', input: { name: pod, previous: true, tail: 30 } }
  const eventCall = { tool: 'k8s_get_events', input: {} }
  const log = results.find(({ tool, input }) => tool === 'k8s_get_pod_logs' && input.name === pod)
  const events = results.find(({ tool }) => tool === 'k8s_get_events')
  const missing = [ask, logCall, eventCall].filter((call) => !wasAsked(call, results))
  if (!detail || !log || !events) return { kind: 'look', calls: missing }
  const cached = line(log, /.*\bcache\b.*/i)
  const unreachable = line(log, /(?:dial|connect)\b.*(?:no route to host|refused|timed? ?out|no such host).*/i)
  const replaced = workload.others
    .map((other) => line(events, new RegExp(`SuccessfulCreate .*Pod ${other}\\b.*`)))
    .find((sight) => sight !== undefined)
  const [lastWords = ''] = log.text.trimEnd().split('\n').slice(-1)
  return found({
    kind: 'crashing',
    lastWords: { text: lastWords, number: log.number },
    ...(cached && unreachable && { cached }),
    ...(unreachable && { unreachable }),
    ...(replaced && { replaced }),
  })
}

function unclear(pod: string, results: Result[]): Look {
  const call = { tool: 'k8s_get_pod', input: { name: pod } }
  const shown = results.find(({ tool, input }) => tool === 'k8s_get_pod' && input.name === pod)
  if (!shown) return { kind: 'look', calls: [call] }
  const signs = shown.text.split('\n').filter((one) => /=False|waiting:|Warning/.test(one))
  return found({
    kind: 'unclear',
    signs: signs.slice(0, 5).map((text) => ({ text: text.trim(), number: shown.number })),
  })
}

const found = (diagnosis: Diagnosis): Look => ({ kind: 'found', diagnosis })

const wasAsked = (call: Call, results: Result[]): boolean =>
  results.some(({ tool, input }) => tool === call.tool && input.name === call.input.name)

/** `Replicas: …` of a deployment; what stands there instead when it could not be read. */
function countsOf(detail: Result): Sight {
  const counts = /^Replicas: (.*)$/m.exec(detail.text)?.[1]
  return { text: counts ?? detail.text.split('\n')[0] ?? '', number: detail.number }
}

/** The last line in which something stands, without the time in front of it. */
function line(result: Result, pattern: RegExp): Sight | undefined {
  const text = result.text.split('\n').findLast((one) => pattern.test(one))
  return text === undefined ? undefined : { text: text.trim(), number: result.number }
}

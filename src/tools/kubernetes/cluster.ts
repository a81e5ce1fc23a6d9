import { readFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import type { Logger } from 'pino'
import { Agent, type Dispatcher, request } from 'undici'
import { isDeadSocket } from '../../http/no-answer.ts'
import { UnusableAnswer } from '../../http/unusable-answer.ts'
import { sentenceOf } from '../../text/sentence.ts'
import { Refusal } from '../tool.ts'
import { ClusterError, ClusterUnreachable, unreachable } from './errors.ts'
import { KubeConfig } from './kube-config.ts'

/** The API server as tools use it: paths in, plain objects out, errors as sentences. */
export interface Cluster {
  /** Where tools work when none is named. */
  readonly namespace: string
  /** Namespaces that may be touched; `['*']` for all. */
  readonly namespaces: string[]
  /** The namespace to work in. The one place that decides: throws `Refusal` for one that is not allowed. */
  namespaceFor(given: string | undefined): string
  get<Body>(path: string, options: RequestOptions): Promise<Body>
  /** The columns that kubectl prints, made by the server; `rows` without the objects. */
  table(path: string, options: RequestOptions): Promise<Table>
  /** A text answer such as a log. */
  text(path: string, options: RequestOptions): Promise<string>
  /** Sends a change. `dryRun` lets the server do everything but keep it. */
  send<Body>(change: Change, options: { signal: AbortSignal; dryRun?: boolean }): Promise<Body>
  health(): { state: 'ready' | 'unknown' | 'unreachable' | 'refused'; detail?: string }
  readonly server: string
  /** The time that ages are counted from. */
  now(): number
}

export interface RequestOptions {
  signal: AbortSignal
  query?: Record<string, string | number | undefined>
  /** Asks for names, labels and other metadata only: contents never leave the server. */
  metadataOnly?: boolean
  /** Accepts a table and nothing else: a server that cannot make one refuses, in place of sending the objects themselves. */
  tableOnly?: boolean
  /** Another form of the answer than JSON objects as they are. */
  accept?: string
}

export interface Change {
  method: string
  path: string
  contentType: string
  body: string
}

export interface Table {
  columnDefinitions: { name: string; priority?: number }[]
  /** `object` only when the query asks for it (`includeObject`). */
  rows: { cells: unknown[]; object?: { metadata?: { namespace?: string } } | null }[]
  metadata?: { continue?: string; remainingItemCount?: number }
}

export interface ClusterOptions {
  kubeconfig?: string
  context?: string
  namespace?: string
  namespaces?: string[]
  /** Extra certificates to trust when the kubeconfig names none. */
  ca?: string[]
  /** How long a request may take; 30 s. */
  timeoutMs?: number
  now?: () => number
  log: Logger
}

type Input = RequestOptions & { accept: string; contentType?: string; body?: string }

/**
 * HTTP/1.1. On a shared HTTP/2 connection an API server that is restarted, or that refuses the credentials of one request, says GOAWAY and
 * all the others that run at that moment fail with it. undici knows this option of a request; its types do not yet.
 */
const ownConnection: object = { allowH2: false }

const podNamespaceFile = '/var/run/secrets/kubernetes.io/serviceaccount/namespace'
const maxBytes = 16 * 1024 * 1024
const metadataAccept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'
const tableOnlyAccept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
const tableAccept = `${tableOnlyAccept},application/json`

/** Reads the kubeconfig, or the service account in a pod. Connects to nothing yet. Throws a sentence when there is neither. */
export function createCluster(options: ClusterOptions): Cluster {
  const config = loadConfig(options)
  const { timeoutMs = 30_000, now = Date.now } = options
  const server = config.getCurrentCluster()?.server.replace(/\/+$/, '') ?? ''
  const namespace =
    options.namespace ?? podNamespace() ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default'
  const namespaces = options.namespaces ?? [namespace]
  let dispatcher: Dispatcher | undefined
  let health: ReturnType<Cluster['health']> = { state: 'unknown' }

  /** Credentials are asked for each time, since tokens rotate; connections are kept. */
  async function credentials(): Promise<Record<string, string>> {
    const headers: Record<string, string> = {}
    let fresh: Dispatcher | undefined
    const context = {
      setHeaderParam: (name: string, value: string) => {
        headers[name] = value
      },
      setDispatcher: (given: Dispatcher) => {
        fresh = given
      },
    }
    try {
      await config.applySecurityAuthentication(
        context as unknown as Parameters<KubeConfig['applySecurityAuthentication']>[0],
      )
    } catch (error) {
      const why = sentenceOf(error)
      throw new ClusterUnreachable(`The credentials for the API server ${server} cannot be had: ${why}`, {
        cause: error,
        mayHaveArrived: false,
      })
    }
    dispatcher ??= fresh ?? new Agent()
    return headers
  }

  async function call(method: string, path: string, input: Input): Promise<string> {
    try {
      return await attempt(method, path, input)
    } catch (error) {
      // A kept connection may be closed just as it is used again. Reads are harmless to repeat.
      if (method !== 'GET' || !(error instanceof ClusterUnreachable) || !isDeadSocket(error.cause)) throw error
      return await attempt(method, path, input)
    }
  }

  async function attempt(method: string, path: string, input: Input): Promise<string> {
    const url = new URL(server + path)
    for (const [key, value] of Object.entries(input.query ?? {}))
      if (value !== undefined) url.searchParams.set(key, String(value))
    try {
      const headers = await credentials()
      const response = await request(url, {
        method: method as Dispatcher.HttpMethod,
        headers: { ...headers, accept: input.accept, ...(input.contentType && { 'content-type': input.contentType }) },
        ...(input.body !== undefined && { body: input.body }),
        ...(dispatcher && { dispatcher }),
        ...ownConnection,
        signal: AbortSignal.any([input.signal, AbortSignal.timeout(timeoutMs)]),
      })
      health = { state: 'ready' }
      const text = await readBounded(response.body)
      if (response.statusCode >= 300) {
        const retryAfter = String(response.headers['retry-after'] ?? '')
        const problem = new ClusterError(response.statusCode, text, { method, path, retryAfter })
        if (response.statusCode === 401) {
          dispatcher = undefined
          health = { state: 'refused', detail: problem.message }
        }
        throw problem
      }
      return text
    } catch (error) {
      if (error instanceof ClusterError || error instanceof UnusableAnswer) throw error
      input.signal.throwIfAborted()
      dispatcher = undefined
      const problem = error instanceof ClusterUnreachable ? error : unreachable(error, server, timeoutMs)
      health = { state: 'unreachable', detail: problem.message }
      throw problem
    }
  }

  return {
    namespace,
    namespaces,
    server,
    namespaceFor(given) {
      const wanted = given ?? namespace
      if (namespaces.includes('*') || namespaces.includes(wanted)) return wanted
      throw new Refusal(
        `Namespace ${wanted} is not open to this bot. Namespaces it may look into: ${namespaces.join(', ')}.`,
      )
    },
    now,
    get: async (path, input) =>
      parse(
        await call('GET', path, {
          ...input,
          accept: input.accept ?? (input.metadataOnly ? metadataAccept : 'application/json'),
        }),
        server,
      ),
    table: async (path, input) =>
      tableOf(
        parse(
          await call('GET', path, {
            ...input,
            query: { includeObject: 'None', ...input.query },
            accept: input.tableOnly ? tableOnlyAccept : tableAccept,
          }),
          server,
        ),
      ),
    text: (path, input) => call('GET', path, { ...input, accept: 'text/plain, application/json' }),
    send: async (change, { signal, dryRun }) =>
      parse(
        await call(change.method, change.path, {
          signal,
          accept: 'application/json',
          contentType: change.contentType,
          body: change.body,
          query: { fieldManager: 'kube-agent', dryRun: dryRun ? 'All' : undefined },
        }),
        server,
      ),
    health: () => health,
  }
}

function loadConfig({ kubeconfig, context, ca }: ClusterOptions): KubeConfig {
  const config = new KubeConfig()
  try {
    if (kubeconfig) loadFiles(config, kubeconfig)
    else config.loadFromDefault()
  } catch (error) {
    throw new Error(`The kubeconfig ${kubeconfig ?? ''} cannot be read: ${sentenceOf(error)}`, { cause: error })
  }
  if (context) {
    const known = config.getContexts().map((one) => one.name)
    if (!known.includes(context))
      throw new Error(`There is no context ${context} in the kubeconfig. It has: ${known.join(', ')}.`)
    config.setCurrentContext(context)
  }
  if (!config.getCurrentCluster())
    throw new Error('No cluster: the kubeconfig has no current context. Set KUBECONFIG or KUBE_AGENT_CONTEXT.')
  const server = config.getCurrentCluster()?.server ?? ''
  if (!URL.canParse(server))
    throw new Error(
      `The kubeconfig names ${JSON.stringify(server)} as the API server, which is no address (https://…).`,
    )
  if (ca) {
    const caData = Buffer.from(ca.join('\n')).toString('base64')
    config.clusters = config.clusters.map((one) => (one.caData || one.caFile ? one : { ...one, caData }))
  }
  return config
}

/** In a pod, the namespace that it runs in. */
/** Several paths as KUBECONFIG may have them: together they are one, and the first one's current context counts. */
function loadFiles(config: KubeConfig, paths: string): void {
  const [first = '', ...others] = paths.split(delimiter).filter(Boolean)
  config.loadFromFile(first)
  for (const path of others) {
    const other = new KubeConfig()
    other.loadFromFile(path)
    config.mergeConfig(other as Parameters<KubeConfig['mergeConfig']>[0], config.getCurrentContext() !== undefined)
  }
}

function podNamespace(): string | undefined {
  try {
    return readFileSync(podNamespaceFile, 'utf8').trim()
  } catch {
    return undefined
  }
}

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > maxBytes)
      throw new UnusableAnswer(
        `The answer of the API server is larger than ${maxBytes / 1024 / 1024} MiB. Ask for less.`,
      )
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Servers of other makers behind the API server may know no tables: their objects become one of names. */
function tableOf(answer: Table | { items?: { metadata?: { name?: string; creationTimestamp?: string } }[] }): Table {
  if ('rows' in answer && answer.rows) return answer
  const items = 'items' in answer ? (answer.items ?? []) : []
  return {
    ...('metadata' in answer && { metadata: answer.metadata }),
    columnDefinitions: [{ name: 'Name' }, { name: 'Created At' }],
    rows: items.map(({ metadata }) => ({ cells: [metadata?.name ?? '', metadata?.creationTimestamp ?? ''] })),
  }
}

function parse(text: string, server: string) {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UnusableAnswer(
      `What answers at ${server} is no API server: the answer was not JSON. A proxy or a login page may stand in front.`,
      { cause: error },
    )
  }
}

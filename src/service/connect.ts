import { readFileSync } from 'node:fs'
import { createModel, type Model } from '../agent/model.ts'
import { asConfigured, type Config } from '../config/index.ts'
import { createDispatcher, trustedCertificates } from '../http/outgoing.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { createGitea, type Gitea } from '../tools/gitea/client.ts'
import { type Cluster, createCluster } from '../tools/kubernetes/cluster.ts'

/** The servers that the configuration names, as clients. None is asked for anything yet. */
export interface Connections {
  /** For chat and Gitea. */
  dispatcher: ReturnType<typeof createDispatcher>
  model: Model | undefined
  cluster: Cluster | undefined
  gitea: Gitea | undefined
  /** Certificates to trust, as PEM; Node's own when there is none. */
  ca: string[] | undefined
  close(): Promise<void>
}

/** Throws `ConfigError` when the CA file cannot be used. */
export function connect(config: Config, { log, metrics }: { log: Logger; metrics: Metrics }): Connections {
  const ca = asConfigured(() => trustedCertificates(config.caFile))
  const dispatcher = createDispatcher({ ca, headersMs: 90_000, bodyMs: 90_000 })
  // The model client watches the silence itself: self-hosted servers are slow.
  const patient = createDispatcher({ ca, headersMs: 0, bodyMs: 0 })
  const { llm, gitea } = config
  return {
    dispatcher,
    model:
      llm.url === 'none'
        ? undefined
        : createModel({
            url: llm.url,
            model: llm.model,
            apiKey: llm.apiKey,
            firstTokenMs: llm.firstTokenSeconds * 1000,
            tokenMs: llm.tokenSeconds * 1000,
            dispatcher: patient,
            log,
            metrics,
            ...(llm.context && { context: llm.context }),
          }),
    cluster: connectCluster(config, ca, log),
    ca,
    gitea: gitea.url && gitea.token ? createGitea({ url: gitea.url, token: gitea.token, dispatcher }) : undefined,
    close: async () => void (await Promise.all([dispatcher.destroy(), patient.destroy()])),
  }
}

/**
 * Without a cluster the bot still talks, takes webhooks and says why it cannot look. But what somebody named has to be there: throws
 * `ConfigError` for a kubeconfig or context that is not.
 */
function connectCluster({ kubernetes }: Config, ca: string[] | undefined, log: Logger): Cluster | undefined {
  const { kubeconfig, context, namespace, namespaces } = kubernetes
  const create = () =>
    createCluster({
      log,
      ...(kubeconfig && { kubeconfig }),
      ...(context && { context }),
      ...(namespace && { namespace }),
      ...(namespaces && { namespaces }),
      ...(ca && { ca }),
    })
  if (kubeconfig || context) return asConfigured(create)
  try {
    return create()
  } catch (error) {
    log.warn({ component: 'kubernetes', reason: (error as Error).message }, 'no cluster')
    return undefined
  }
}

const accountFile = '/var/run/secrets/kubernetes.io/serviceaccount/namespace'

/** The namespace of the bot's own pod, in which it changes nothing; none outside of a cluster. */
export function ownNamespace(env: NodeJS.ProcessEnv = process.env, file = accountFile): string[] {
  const named = env.POD_NAMESPACE
  if (named) return [named]
  try {
    return [readFileSync(file, 'utf8').trim()].filter(Boolean)
  } catch {
    return []
  }
}

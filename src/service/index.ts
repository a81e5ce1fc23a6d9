import type { PlatformOptions } from '../bot/platforms.ts'
import { type LoadedConfig, secretsOf } from '../config/index.ts'
import { createLog, type Logger } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import { keepSecret } from '../text/secrets/index.ts'
import { attend } from './attend.ts'
import { build } from './build.ts'
import { type Connections, connect } from './connect.ts'
import { open } from './open.ts'

export interface Served {
  /** Address of the HTTP port; empty when there is none. */
  url: string
  /** What it is connected to. */
  servers: Pick<Connections, 'model' | 'cluster' | 'gitea'>
  /** Resolves with a sentence when the bot cannot go on, such as a revoked token. */
  failed: Promise<string>
  /** No new work; what runs gets `graceMs`, what waits survives. */
  close(graceMs?: number): Promise<void>
}

export interface ServeOptions {
  loaded: LoadedConfig
  version: string
  /** Shown in the web room. */
  webNotice?: string
  /** Who sits at the terminal, when that is the only chat: then no port is opened. */
  terminal?: PlatformOptions['terminal']
  log?: Logger
}

/** What every step of the start gets: what it opens, it leaves on `started`, which closes in reverse. */
export interface Start extends ServeOptions {
  log: Logger
  started: AsyncDisposableStack
  stopping: AbortSignal
}

const graceMs = 20_000

/**
 * The running product in the order in which it starts; it closes in reverse. Resolves when it listens; chats connect behind that.
 * Rejects with `ConfigError` or `StorageError` when it cannot start like this.
 */
export async function serve(options: ServeOptions): Promise<Served> {
  const { config, warnings } = options.loaded
  await using started = new AsyncDisposableStack()
  const stopping = new AbortController()
  started.defer(() => stopping.abort(new Error('shutting down')))
  const log = options.log ?? createLog({ level: config.log.level, secrets: secretsOf(config) })
  keepSecret(secretsOf(config))
  for (const warning of warnings) log.warn({ component: 'config' }, warning)
  const metrics = createMetrics()
  const start: Start = { ...options, log, started, stopping: stopping.signal }

  const servers = connect(config, { log, metrics })
  started.defer(() => servers.close())
  const product = await build(start, { servers, metrics })
  const url = options.terminal ? '' : await open(start, { product, metrics })
  const { failed } = await attend(start, product)

  const running = started.move()
  let closing: Promise<void> | undefined
  return {
    url,
    servers,
    failed,
    close(grace = graceMs) {
      closing ??= (async () => {
        stopping.abort(new Error('shutting down'))
        await product.inbox.stop(grace)
        await running.disposeAsync()
      })()
      return closing
    },
  }
}

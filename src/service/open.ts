import { ConfigError } from '../config/index.ts'
import { createHttp, listen } from '../http/index.ts'
import type { Metrics } from '../metrics.ts'
import { createArrivals } from '../webhooks/gitea/arrivals.ts'
import { webhooks } from '../webhooks/index.ts'
import type { Product } from './build.ts'
import type { Start } from './index.ts'

/** Opens the HTTP port: health, metrics, webhooks, and the pages of chats that have some. Returns its address. Throws `ConfigError`. */
export async function open(
  { loaded: { config }, log, started }: Start,
  { product, metrics }: { product: Product; metrics: Metrics },
): Promise<string> {
  const { inbox, platforms, report } = product
  const http = createHttp({ log, health: report, registry: metrics.registry })
  started.defer(() => http.close())
  const arrivals = createArrivals(config.gitea.webhookSecret)
  await http.register(arrivals.route)
  await http.register(
    webhooks({
      giteaSecrets: config.gitea.webhookSecret,
      inbox: inbox as Parameters<typeof webhooks>[0]['inbox'],
      arrived: arrivals.note,
      count: (outcome) => metrics.webhooks.inc({ outcome }),
      log,
    }),
  )
  for (const { routes } of platforms) if (routes) await http.register(routes)
  const url = await listen(http, config.http).catch((error: Error) => {
    throw new ConfigError([error.message])
  })
  log.info({ component: 'http', url }, 'listening')
  return url
}

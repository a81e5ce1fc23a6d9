import { gitea } from './gitea/index.ts'
import type { WebhookSource } from './source.ts'

/** Who may send us webhooks. Without a secret there is no route. */
export function createSources({ giteaSecrets }: { giteaSecrets: string[] }): WebhookSource[] {
  return giteaSecrets.length > 0 ? [gitea(giteaSecrets)] : []
}

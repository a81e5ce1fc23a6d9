import { asConfigured, ConfigError, type LoadedConfig } from '../../config/index.ts'
import { createDispatcher, trustedCertificates } from '../../http/outgoing.ts'
import { createGitea } from '../../tools/gitea/client.ts'
import { installWebhook, removeWebhook } from './install.ts'

export interface WebhookFlags {
  url?: string
  remove?: true
}

/** `kube-agent webhook install`: 0 when the webhook is there and its test delivery arrived. Throws `ConfigError`. */
export async function runWebhook({ config }: LoadedConfig, target: string, flags: WebhookFlags): Promise<number> {
  const { gitea, http, caFile } = config
  const publicUrl = flags.url ?? http.publicUrl
  const [master] = gitea.webhookSecret
  const missing = [
    !gitea.url && 'KUBE_AGENT_GITEA_URL, the address of Gitea',
    !gitea.token && 'KUBE_AGENT_GITEA_TOKEN or --gitea-token, the token of somebody who may administer its webhooks',
    !master && 'KUBE_AGENT_GITEA_WEBHOOK_SECRET, the same as of the running bot',
    !publicUrl && "KUBE_AGENT_PUBLIC_URL or --url, the bot's address as Gitea reaches it",
  ].filter((one) => one !== false)
  if (!gitea.url || !gitea.token || !master || !publicUrl)
    throw new ConfigError(missing.map((setting) => `webhook install needs ${setting}.`))
  if (!/^https?:\/\//.test(publicUrl) || !URL.canParse(publicUrl))
    throw new ConfigError([`--url ${publicUrl}: expected an http:// or https:// address`])

  const ca = asConfigured(() => trustedCertificates(caFile))
  const dispatcher = createDispatcher({ ca, headersMs: 30_000, bodyMs: 30_000 })
  try {
    const deps = {
      gitea: createGitea({ url: gitea.url, token: gitea.token, dispatcher }),
      target,
      master,
      publicUrl,
      dispatcher,
      signal: AbortSignal.timeout(120_000),
      say: (line: string) => console.log(line),
    }
    if (!flags.remove) return (await installWebhook(deps)) ? 0 : 1
    await removeWebhook(deps)
    return 0
  } finally {
    await dispatcher.destroy()
  }
}

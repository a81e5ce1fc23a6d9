import { createHmac, randomUUID } from 'node:crypto'
import type { Logger } from 'pino'

export interface Hook {
  id: number
  url: string
  secret: string
  events: string[]
  active: boolean
  created: string
}

/** Sends one event to one hook as Gitea does: signed over the bytes, five seconds to answer, no redirect, no second try. */
export async function deliver(hook: Hook, event: string, payload: object, log: Logger | undefined): Promise<void> {
  const body = JSON.stringify(payload, null, 2)
  try {
    const response = await fetch(hook.url, {
      method: 'POST',
      headers: headersOf(event, body, hook.secret),
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(5000),
    })
    await response.arrayBuffer()
    if (!response.ok) log?.warn({ event, status: response.status }, 'sandbox webhook was refused')
  } catch (error) {
    log?.warn({ err: error, event }, 'sandbox webhook was not delivered')
  }
}

/** Header names as Gitea writes them. A hook without a secret sends empty signatures. */
function headersOf(event: string, body: string, secret: string): Record<string, string> {
  const sign = (algorithm: string) => (secret === '' ? '' : createHmac(algorithm, secret).update(body).digest('hex'))
  const families = ['X-Gitea', 'X-Gogs', 'X-GitHub']
  const delivery = randomUUID()
  const signature = sign('sha256')
  return {
    'User-Agent': 'Go-http-client/1.1',
    'Content-Type': 'application/json',
    ...Object.fromEntries(families.map((family) => [`${family}-Delivery`, delivery])),
    ...Object.fromEntries(families.map((family) => [`${family}-Event`, event])),
    ...Object.fromEntries(families.map((family) => [`${family}-Event-Type`, event])),
    'X-Gitea-Signature': signature,
    'X-Gogs-Signature': signature,
    'X-Hub-Signature': `sha1=${sign('sha1')}`,
    'X-Hub-Signature-256': `sha256=${signature}`,
    'X-Gitea-Hook-Installation-Target-Type': 'repository',
    'X-GitHub-Hook-Installation-Target-Type': 'repository',
  }
}

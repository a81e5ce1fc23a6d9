import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type Dispatcher, request } from 'undici'
import type { Gitea } from '../../tools/gitea/client.ts'
import { GiteaError } from '../../tools/gitea/errors.ts'
import { gitea as minorVersion } from '../../tools/gitea/version.ts'
import { arrivalsPath, proofHeader, proofOf } from '../../webhooks/gitea/arrivals.ts'
import { deriveSecret } from '../../webhooks/gitea/secret.ts'
import { createHooks, type Hook, type Hooks, type NewHook } from './hooks.ts'

/** What the bot makes something of, and the minor version of Gitea 1.x that brought it. */
const wanted: [event: string, since: number][] = [
  ['push', 0],
  ['workflow_run', 25],
  ['workflow_job', 24],
  ['status', 23],
  ['pull_request', 0],
  ['issue_comment', 0],
  ['create', 0],
  ['delete', 0],
  ['release', 0],
  ['repository', 0],
]

export interface InstallDeps {
  gitea: Gitea
  /** `owner/repository`, or an organisation. */
  target: string
  /** The first secret of the configuration. */
  master: string
  /** Address of the bot as Gitea reaches it. */
  publicUrl: string
  dispatcher: Dispatcher
  signal: AbortSignal
  say(line: string): void
  /** How long a test delivery may take. */
  patienceMs?: number
}

/**
 * Makes the webhook of a repository or organisation, or leaves the one that is there when its test delivery arrives. Resolves to
 * whether a test delivery arrived; everything else is said.
 */
export async function installWebhook(deps: InstallDeps): Promise<boolean> {
  const { gitea, target, say, signal } = deps
  const hooks = await createHooks(gitea, target, signal)
  const address = addressOf(deps)
  const hook: NewHook = {
    type: 'gitea',
    active: true,
    events: wanted.map(([event]) => event),
    config: { url: address, content_type: 'json', secret: deriveSecret(deps.master, hooks.scope) },
  }
  try {
    const ours = (await hooks.list()).filter(({ config }) => config.url === address)
    const newest = ours.at(-1)
    if (newest && (await isAsWanted(deps, newest))) {
      const trial = await tryDelivery(deps, hooks, newest, hook)
      // A delivery that got lost may have been refused for its signature: a new webhook has the right secret.
      if (trial.kind !== 'lost') {
        say(`${hooks.scope} has the webhook already (number ${newest.id}). Nothing was changed.`)
        return concluded(trial, say)
      }
    }
    const made = await hooks.make(hook)
    // A webhook's secret cannot be changed: the new one first, so that nothing is lost in between.
    for (const { id } of ours) await hooks.remove(id)
    say(
      `${ours.length > 0 ? 'Replaced' : 'Made'} the webhook of ${hooks.scope} (number ${made.id}): it sends to ${address}.`,
    )
    await sayEvents(deps, made)
    return concluded(await tryDelivery(deps, hooks, made, hook), say)
  } catch (error) {
    if (!(error instanceof GiteaError) || ![403, 404].includes(error.status)) throw error
    say(byHand(hooks, error, hook))
    return false
  }
}

/** Removes what `installWebhook` made. */
export async function removeWebhook(deps: Omit<InstallDeps, 'master'>): Promise<void> {
  const hooks = await createHooks(deps.gitea, deps.target, deps.signal)
  const ours = (await hooks.list()).filter((hook) => hook.config.url === addressOf(deps))
  for (const { id } of ours) await hooks.remove(id)
  const what = ours.length > 0 ? 'The webhook was removed from' : `No webhook sends to ${addressOf(deps)} from`
  deps.say(`${what} ${hooks.scope}.`)
}

const addressOf = ({ publicUrl }: { publicUrl: string }): string => `${publicUrl.replace(/\/+$/, '')}/webhooks/gitea`

/** Gitea names what `pull_request` and the like stand for one by one. */
const isTaken = ({ events }: Hook, wanted: string): boolean =>
  events.some((event) => event === wanted || event.startsWith(`${wanted}_`))

/** Active, and with all that this server can send. */
async function isAsWanted({ gitea, signal }: InstallDeps, hook: Hook): Promise<boolean> {
  const minor = minorVersion((await gitea.features(signal)).version) ?? 0
  return hook.active && wanted.every(([event, since]) => since > minor || isTaken(hook, event))
}

async function sayEvents({ gitea, say, signal }: InstallDeps, made: Hook): Promise<void> {
  const [taken, dropped] = [true, false].map((is) =>
    wanted.filter(([event]) => isTaken(made, event) === is).map(([event]) => event),
  )
  say(`Gitea sends: ${taken?.join(', ')}.`)
  if (!dropped?.length) return
  const { version } = await gitea.features(signal)
  say(
    `Gitea ${version} did not take: ${dropped.join(', ')}. status needs 1.23, workflow_job 1.24, workflow_run 1.25; what is missing is found by asking, some minutes later.`,
  )
}

type Trial = { kind: 'arrived' } | { kind: 'lost' | 'untried'; why: string }

function concluded(trial: Trial, say: InstallDeps['say']): boolean {
  say(trial.kind === 'arrived' ? 'The test delivery arrived, and its signature is right.' : trial.why)
  return trial.kind === 'arrived'
}

/** Lets Gitea send a test delivery, and asks the bot whether it came. */
async function tryDelivery(deps: InstallDeps, hooks: Hooks, hook: Hook, like: NewHook): Promise<Trial> {
  const { signal, patienceMs = 15_000 } = deps
  const before = await testsSoFar(deps, hooks.scope)
  if (typeof before === 'string') return { kind: 'untried', why: before }
  await using test = await hooks.test(hook, like)
  if (!test) return { kind: 'untried', why: nothingToSend }
  const until = performance.now() + patienceMs
  while (performance.now() < until) {
    const now = await testsSoFar(deps, hooks.scope)
    if (typeof now === 'number' && now > before) return { kind: 'arrived' }
    await pause(200, undefined, { signal })
  }
  return { kind: 'lost', why: lost(deps, hooks, hook, patienceMs) }
}

const nothingToSend =
  'There is no repository with a commit yet, so Gitea sends no test delivery. Run this again once there is one.'

/** How many test deliveries the running bot has seen; a sentence when it cannot be asked. */
async function testsSoFar(deps: InstallDeps, scope: string): Promise<number | string> {
  const { master, publicUrl, dispatcher, signal } = deps
  const nonce = randomBytes(16).toString('hex')
  const url = `${publicUrl.replace(/\/+$/, '')}${arrivalsPath}?${new URLSearchParams({ scope, nonce })}`
  const headers = { [proofHeader]: proofOf(deriveSecret(master, scope), scope, nonce) }
  try {
    const { statusCode, body } = await request(url, { dispatcher, signal, headers })
    const text = await body.text()
    if (statusCode === 200) return Number((JSON.parse(text) as { tests: unknown }).tests)
    return `What answers at ${publicUrl} does not know this secret (${statusCode}). Is it the running kube-agent, with the same KUBE_AGENT_GITEA_WEBHOOK_SECRET? Whether deliveries arrive was not tried.`
  } catch (error) {
    signal.throwIfAborted()
    const reason = (error as { code?: string }).code ?? (error as Error).message
    return `The bot does not answer at ${publicUrl} (${reason}), so whether deliveries arrive was not tried. Start \`kube-agent serve\`, and run this again from where that address can be reached.`
  }
}

function lost({ publicUrl }: InstallDeps, hooks: Hooks, { id }: Hook, patienceMs: number): string {
  const { hostname } = new URL(publicUrl)
  return `The test delivery did not arrive within ${patienceMs / 1000} seconds. Gitea says why under "Recent Deliveries" at ${hooks.page}/${id}; mostly it is one of these:
  - Gitea may not call addresses of the own network. In its app.ini, then restart it:
      [webhook]
      ALLOWED_HOST_LIST = ${hostname}
    (what stands there already, a comma, and this; \`private\` and \`loopback\` allow all such addresses)
  - Gitea cannot reach ${publicUrl}: its name, a network policy, a proxy.
  - The certificate there is not one that Gitea trusts.`
}

/** For those who may administer webhooks in the browser; the bot's own account usually and rightly may not. */
function byHand({ scope, page }: Hooks, error: GiteaError, { config, events }: NewHook): string {
  const { url, secret } = config
  const role = scope.includes('/') ? 'an administrator of the repository' : 'an owner of the organisation'
  return `This token may not administer the webhooks of ${scope}: ${error.message}
That takes ${role}, and a token with write:${scope.includes('/') ? 'repository' : 'organization'}: give it with --gitea-token, or make the webhook at ${page}/gitea/new:
  Target URL            ${url}
  HTTP Method           POST
  POST Content Type     application/json
  Secret                ${secret}
  Trigger On            Custom Events: ${events.join(', ')}
  Active                yes
Then press "Test Delivery" there.`
}

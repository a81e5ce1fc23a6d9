import type { Model } from '../agent/model.ts'
import type { ChatPlatform } from '../bot/platform.ts'
import type { HealthReport } from '../http/index.ts'
import type { Inbox } from '../storage/index.ts'
import type { Gitea } from '../tools/gitea/client.ts'
import type { Cluster } from '../tools/kubernetes/cluster.ts'

export interface Parts {
  chats: ChatPlatform[]
  /** Names of the chats whose first synchronisation is done. */
  inSync: Set<string>
  model: Model | undefined
  cluster: Cluster | undefined
  gitea: Gitea | undefined
  inbox: Pick<Inbox, 'depth'>
  isClosing(): boolean
}

/**
 * How everything stands. Ready depends on chat alone: without its model, its cluster or Gitea the bot still answers, and says what
 * is away. One chat is enough: that another is away must not take the web room and the webhooks along; it stands among the parts.
 */
export async function healthReport({ chats, inSync, inbox, isClosing, ...parts }: Parts): Promise<HealthReport> {
  const states = chats.map((chat) => ({ name: chat.name, health: chat.health() }))
  const isInSync = states.some(({ name, health }) => health.state === 'ready' && inSync.has(name))
  return {
    alive: states.some(({ health }) => health.state !== 'revoked') || chats.length === 0,
    ready: isInSync && !isClosing(),
    parts: {
      ...Object.fromEntries(states.map(({ name, health }) => [name, say(health)])),
      model: say(parts.model?.health()),
      kubernetes: say(parts.cluster?.health()),
      gitea: say(parts.gitea?.health()),
      inbox: await inbox.depth().then(
        (jobs) => `${jobs} jobs`,
        () => 'unreachable',
      ),
    },
  }
}

const say = (health: { state: string; detail?: string } | undefined): string =>
  health ? [health.state, health.detail].filter(Boolean).join(': ') : 'not configured'

/** Which of the servers behind the tools served us last time; those that nobody asked yet count as reachable. */
export function reachable({
  model,
  cluster,
  gitea,
}: Pick<Parts, 'model' | 'cluster' | 'gitea'>): Record<string, boolean> {
  const parts = Object.entries({ model, kubernetes: cluster, gitea })
  return Object.fromEntries(
    parts.flatMap(([name, part]) => (part ? [[name, !['unreachable', 'refused'].includes(part.health().state)]] : [])),
  )
}

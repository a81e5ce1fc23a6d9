import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSandboxCluster } from '../../../sandbox/kubernetes/index.ts'
import { startModelServer } from '../../helpers/model-server.ts'
import { type BotProcess, startBot } from './bot-process.ts'
import { MattermostPerson } from './mattermost-person.ts'
import { oncall } from './oncall-model.ts'
import { startMattermost } from './servers.ts'
import { createWire, type Wire } from './wire.ts'

/** A real Mattermost, a sandbox cluster, a scripted model, people, and the bot as a process behind a wire that can be cut. */
export interface MattermostHouse extends AsyncDisposable {
  admin: MattermostPerson
  alice: MattermostPerson
  bob: MattermostPerson
  botId: string
  team: string
  /** The channel team/ops, with everybody in it. */
  ops: string
  wire: Wire
  restartServer(): Promise<void>
  /** A new channel with alice, bob and the bot in it. */
  channel(): Promise<string>
  start(env?: Record<string, string>, options?: { killAt?: string }): Promise<BotProcess>
  /** How often the deployment was rolled out. */
  revision(name: string): Promise<number>
  botEnv: Record<string, string>
}

export async function openMattermostHouse(): Promise<MattermostHouse> {
  const stack = new AsyncDisposableStack()
  const server = stack.use(await startMattermost())
  const { env } = server
  const url = env.MATTERMOST_URL ?? ''
  const wire = stack.use(await createWire(Number(new URL(url).port)))
  const cluster = createSandboxCluster({ pace: 50 })
  const clusterUrl = await cluster.listen()
  stack.defer(() => cluster.close())
  const model = stack.use(await startModelServer(oncall))
  const folder = mkdtempSync(join(tmpdir(), 'kube-agent-mattermost-house-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const kubeconfig = join(folder, 'kubeconfig')
  writeFileSync(kubeconfig, cluster.kubeconfig())
  const person = (who: string) => new MattermostPerson(url, env[`${who}_ID`] ?? '', env[`${who}_TOKEN`] ?? '')
  const [admin, alice, bob] = [person('ADMIN'), person('ALICE'), person('BOB')]
  const botId = env.BOT_ID ?? ''
  const team = env.TEAM_ID ?? ''

  const started: BotProcess[] = []
  stack.defer(async () => void (await Promise.all(started.map((bot) => bot.kill('SIGKILL')))))
  const botEnv = {
    KUBE_AGENT_CHAT: 'mattermost',
    KUBE_AGENT_MATTERMOST_URL: wire.url,
    KUBE_AGENT_MATTERMOST_TOKEN: env.BOT_TOKEN ?? '',
    KUBE_AGENT_ROOM: 'rig/ops',
    KUBE_AGENT_APPROVERS: '@bob',
    KUBE_AGENT_LLM_URL: model.url,
    KUBE_AGENT_LLM_MODEL: 'test-model',
    KUBECONFIG: kubeconfig,
    KUBE_AGENT_NAMESPACE: 'shop',
    KUBE_AGENT_DATA_DIR: join(folder, 'data'),
    KUBE_AGENT_APPROVALS_RECOVERY_SECONDS: '2,8',
  }
  let channels = 0
  return {
    admin,
    alice,
    bob,
    botId,
    team,
    ops: env.CHANNEL_ID ?? '',
    wire,
    botEnv,
    restartServer: server.restart,
    async channel() {
      const name = `room-${++channels}`
      const { id } = await alice.call<{ id: string }>('POST', '/channels', {
        team_id: team,
        name,
        display_name: name,
        type: 'P',
      })
      for (const user_id of [bob.id, botId]) await alice.call('POST', `/channels/${id}/members`, { user_id })
      return id
    },
    async start(more = {}, options = {}) {
      const bot = await startBot({ ...botEnv, ...more }, options)
      started.push(bot)
      if (!options.killAt) await bot.ready()
      return bot
    },
    async revision(name) {
      const answer = await fetch(`${clusterUrl}/apis/apps/v1/namespaces/shop/deployments/${name}`)
      const { metadata } = (await answer.json()) as { metadata: { annotations: Record<string, string> } }
      return Number(metadata.annotations['deployment.kubernetes.io/revision'])
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Asked, type ModelServer, type Reply, startModelServer } from '../../helpers/model-server.ts'
import { type BotProcess, startBot } from './bot-process.ts'
import { Person, until } from './matrix-person.ts'
import { oncall } from './oncall-model.ts'
import { type Kubernetes, startKubernetes, startMatrix } from './servers.ts'

const shop = fileURLToPath(new URL('../manifests/shop.yaml', import.meta.url))

/** A real Synapse, a real control plane, a scripted model, people, and the bot as a process. */
export interface House extends AsyncDisposable {
  alice: Person
  bob: Person
  botId: string
  cluster: Kubernetes
  model: ModelServer
  /** Makes a room with alice, bob and the bot in it. */
  room(): Promise<string>
  start(env?: Record<string, string>, options?: { killAt?: string }): Promise<BotProcess>
  /** Another session of the bot's account, with a data directory of its own. */
  login(): Promise<{ token: string; folder: string; logout(): Promise<void> }>
  /** How often the deployment was restarted: its revision. */
  restarts(name: string): Promise<number>
  matrixEnv: Record<string, string>
}

/** `relaxed: false`: with Synapse's default limits for the bot; people are always free of them. */
export async function openHouse({
  relaxed = true,
  script = oncall,
}: {
  relaxed?: boolean
  script?: (asked: Asked) => Reply
} = {}): Promise<House> {
  const stack = new AsyncDisposableStack()
  const matrix = stack.use(await startMatrix({ relaxed }))
  const cluster = stack.use(await startKubernetes())
  const model = stack.use(await startModelServer(script))
  const folder = mkdtempSync(join(tmpdir(), 'kube-agent-house-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const { env } = matrix
  const person = (who: string) =>
    new Person(env.HOMESERVER_URL ?? '', env[`${who}_USER`] ?? '', env[`${who}_TOKEN`] ?? '')
  const [alice, bob] = [person('ALICE'), person('BOB')]
  const botId = env.BOT_USER ?? ''
  await cluster.kubectl('apply', '-f', shop)
  await cluster.kubectl('-n', 'shop', 'rollout', 'status', 'deployment/api', '--timeout=60s')

  const started: BotProcess[] = []
  stack.defer(async () => void (await Promise.all(started.map((bot) => bot.kill('SIGKILL')))))
  const base = {
    KUBE_AGENT_CHAT: 'matrix',
    KUBE_AGENT_MATRIX_URL: env.HOMESERVER_URL ?? '',
    KUBE_AGENT_MATRIX_TOKEN: env.BOT_TOKEN ?? '',
    KUBE_AGENT_APPROVERS: bob.id,
    KUBE_AGENT_USERS: '*:rig.test',
    KUBE_AGENT_LLM_URL: model.url,
    KUBE_AGENT_LLM_MODEL: 'test-model',
    KUBECONFIG: cluster.kubeconfig,
    KUBE_AGENT_NAMESPACE: 'shop',
    KUBE_AGENT_DATA_DIR: join(folder, 'data'),
    KUBE_AGENT_APPROVALS_RECOVERY_SECONDS: '2,8',
  }
  return {
    alice,
    bob,
    botId,
    cluster,
    model,
    matrixEnv: base,
    async room() {
      const room = await alice.createRoom({ invite: [bob.id, botId] })
      await bob.join(room)
      await until(
        async () => (await alice.members(room)).includes(botId),
        () => 'the bot to join',
      )
      return room
    },
    async start(more = {}, options = {}) {
      const bot = await startBot({ ...base, ...more }, options)
      started.push(bot)
      if (!options.killAt) await bot.ready()
      return bot
    },
    async login() {
      const post = async <Answer>(path: string, token: string | undefined, body: object): Promise<Answer> => {
        const answer = await fetch(`${env.HOMESERVER_URL}/_matrix/client/v3/${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
          body: JSON.stringify(body),
        })
        return (await answer.json()) as Answer
      }
      const { access_token: token } = await post<{ access_token: string }>('login', undefined, {
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: botId },
        password: env.BOT_PASSWORD,
      })
      return { token, folder: join(folder, 'other'), logout: () => post('logout', token, {}) }
    },
    async restarts(name) {
      const revision = await cluster.kubectl(
        '-n',
        'shop',
        'get',
        'deployment',
        name,
        '-o',
        'jsonpath={.metadata.annotations.deployment\\.kubernetes\\.io/revision}',
      )
      return Number(revision) - 1
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

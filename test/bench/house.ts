import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createSandboxCluster } from '../../sandbox/kubernetes/index.ts'
import { createHomeserver, type Homeserver } from '../helpers/homeserver.ts'
import { calls, type Reply, says, startModelServer } from '../helpers/model-server.ts'

/** The servers around the programs under measurement, all in this process: a homeserver, a cluster, a model that answers at once. */
export interface House extends AsyncDisposable {
  homeserver: Homeserver
  room: string
  /** The environment of the product, with a data directory of its own. */
  productEnv(): Record<string, string>
  echoEnv: Record<string, string>
}

export const alice = '@alice:hs.test'

export async function openHouse(): Promise<House> {
  const stack = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'kube-agent-bench-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const homeserver = await createHomeserver({ after: (close: () => void) => stack.defer(close) } as TestContext)
  homeserver.setLimit({ perSecond: 100_000, burst: 100_000 })
  const model = stack.use(await startModelServer(reply))
  const cluster = createSandboxCluster()
  await cluster.listen()
  stack.defer(() => cluster.close())
  const kubeconfig = join(folder, 'kubeconfig')
  writeFileSync(kubeconfig, cluster.kubeconfig())

  let products = 0
  const { url, bot } = homeserver
  const room = homeserver.room(alice, [bot.user, '@bob:hs.test'])
  // The echo bot asks for more than the product does.
  const forEcho: Record<string, object> = { joined_rooms: { joined_rooms: [room] }, 'm.direct': {} }
  homeserver.interfere((_method, path) => {
    const answer = forEcho[path.split('/').at(-1) ?? '']
    return answer && { status: 200, body: JSON.stringify(answer) }
  })
  return {
    homeserver,
    room,
    productEnv: () => ({
      KUBE_AGENT_CHAT: 'matrix',
      KUBE_AGENT_MATRIX_URL: url,
      KUBE_AGENT_MATRIX_TOKEN: bot.token,
      KUBE_AGENT_APPROVERS: '@bob:hs.test',
      KUBE_AGENT_LLM_URL: model.url,
      KUBE_AGENT_LLM_MODEL: 'test-model',
      KUBE_AGENT_LOG_LEVEL: 'error',
      KUBE_AGENT_DATA_DIR: join(folder, `data-${++products}`),
      KUBECONFIG: kubeconfig,
      KUBE_AGENT_NAMESPACE: 'shop',
    }),
    echoEnv: { HOMESERVER_URL: url, HOMESERVER_TOKEN: bot.token },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Asks for a restart when told so, else answers. */
function reply({ messages }: { messages: { role: string; content: unknown }[] }): Reply {
  const last = messages.at(-1)
  return last?.role === 'user' && String(last.content).includes('restart api')
    ? calls(['k8s_restart_deployment', { name: 'api', namespace: 'shop' }])
    : says('All is well.')
}

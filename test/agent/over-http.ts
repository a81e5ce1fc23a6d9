import type { TestContext } from 'node:test'
import pino from 'pino'
import { createModel } from '../../src/agent/model.ts'
import { createDispatcher } from '../../src/http/outgoing.ts'
import { type ModelServer, type Reply, startModelServer } from '../helpers/model-server.ts'
import { type Agent, agent, look } from './harness.ts'

/** An agent that asks a model server over HTTP. */
export async function overHttp(
  t: TestContext,
  script: Reply[],
  options: Omit<Parameters<typeof agent>[0], 'model'> = {},
): Promise<{ server: ModelServer; one: Agent }> {
  const server = await startModelServer(script)
  const dispatcher = createDispatcher({ ca: undefined, headersMs: 0, bodyMs: 0 })
  t.after(async () => {
    await dispatcher.close()
    await server.close()
  })
  const model = createModel({
    url: server.url,
    model: 'test-model',
    apiKey: 'no-key',
    firstTokenMs: 5_000,
    tokenMs: 100,
    dispatcher,
    log: pino({ enabled: false }),
  })
  return { server, one: agent({ tools: [look()], ...options, deps: { ...options.deps, model } }) }
}

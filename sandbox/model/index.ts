import { randomUUID } from 'node:crypto'
import { type FastifyReply, fastify } from 'fastify'
import { decide, type Move } from './engineer.ts'
import { type Asked, read } from './reading.ts'

export interface SandboxModelOptions {
  /** How long it "thinks" before it speaks, in milliseconds, so that a visitor can follow. */
  pace?: number
}

export interface SandboxModel {
  /** Serves on loopback; resolves to the base URL, which ends in `/v1`. */
  listen(port?: number): Promise<string>
  close(): Promise<void>
}

const name = 'sandbox'
const windowTokens = 65_536

/**
 * An OpenAI-compatible server without a model in it: it plays an on-call engineer by rules on what it is shown, and says nothing
 * that it was not shown.
 */
export function createSandboxModel({ pace = 0 }: SandboxModelOptions = {}): SandboxModel {
  const app = fastify({ bodyLimit: 16 * 1024 * 1024, forceCloseConnections: true })
  app.get('/v1/models', () => ({
    object: 'list',
    data: [{ id: name, object: 'model', created: 0, owned_by: 'kube-agent', max_model_len: windowTokens }],
  }))
  app.post('/v1/chat/completions', async (request, reply) => {
    const asked = request.body as Partial<Asked> | null
    if (!Array.isArray(asked?.messages)) return refuse(reply, 400, 'messages must be a list', 'invalid_request_error')
    if (asked.model !== name) return refuse(reply, 404, `The model \`${asked.model}\` does not exist.`, 'not_found')
    const given = asked as Asked
    const move = decide(read(given))
    await new Promise((resolve) => setTimeout(resolve, pace))
    const usage = usageOf(given, move)
    if (!given.stream) return whole(move, usage)
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    for (const chunk of chunks(move)) reply.raw.write(event(chunk))
    if (given.stream_options?.include_usage) reply.raw.write(event({ choices: [], usage }))
    reply.raw.end('data: [DONE]\n\n')
  })

  return {
    listen: async (port = 0) => `${await app.listen({ host: '127.0.0.1', port })}/v1`,
    close: () => app.close(),
  }
}

const refuse = (reply: FastifyReply, status: number, message: string, type: string) =>
  reply.code(status).send({ error: { message, type, code: type } })

function whole(move: Move, usage: object): object {
  const message =
    move.kind === 'say'
      ? { role: 'assistant', content: move.text }
      : { role: 'assistant', content: move.text ?? null, tool_calls: move.calls.map(callShape) }
  return {
    id: `chatcmpl-${randomUUID()}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model: name,
    choices: [{ index: 0, message, finish_reason: finishOf(move) }],
    usage,
  }
}

/** The answer in pieces, as servers stream it: words one after another, then each call with its arguments. */
function* chunks(move: Move): Generator<object> {
  yield choice({ role: 'assistant', content: '' })
  for (const [word] of (move.text ?? '').matchAll(/\s*\S+\s*$|\s*\S+/g)) yield choice({ content: word })
  if (move.kind === 'call')
    for (const [index, call] of move.calls.map(callShape).entries()) yield choice({ tool_calls: [{ index, ...call }] })
  yield choice({}, finishOf(move))
}

const choice = (delta: object, finish: string | null = null): object => ({
  choices: [{ index: 0, delta, finish_reason: finish }],
})

const callShape = ({ tool, input }: { tool: string; input: object }) => ({
  id: `call_${randomUUID()}`,
  type: 'function',
  function: { name: tool, arguments: JSON.stringify(input) },
})

const finishOf = (move: Move): string => (move.kind === 'say' ? 'stop' : 'tool_calls')

const event = (data: object): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-sandbox', object: 'chat.completion.chunk', created: 0, model: name, ...data })}\n\n`

/** About four characters a token: an estimate, as there is no tokenizer here. */
function usageOf({ messages, tools }: Asked, move: Move): object {
  const prompt = Math.ceil(JSON.stringify([messages, tools ?? []]).length / 4)
  const completion = Math.ceil(JSON.stringify(move).length / 4)
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion }
}

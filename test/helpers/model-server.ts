import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the server was asked. */
export interface Asked {
  model: string
  messages: {
    role: string
    content: unknown
    tool_calls?: { id: string; function: { name: string; arguments: string } }[]
    tool_call_id?: string
  }[]
  tools?: { function: { name: string } }[]
  stream_options?: object
}

/** What the server does with a request. */
export type Reply = (response: ServerResponse, asked: Asked) => void | Promise<void>

export interface ModelServer {
  url: string
  asked: Asked[]
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** An OpenAI-compatible server that says what it is told to: a list of replies, or a function of the request. */
export async function startModelServer(
  script: Reply[] | ((asked: Asked, index: number) => Reply),
  models: object[] = [{ id: 'test-model', object: 'model' }],
): Promise<ModelServer> {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    if (request.url?.endsWith('/models')) {
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ object: 'list', data: models }))
      return
    }
    const body = JSON.parse(await read(request)) as Asked
    asked.push(body)
    const reply = typeof script === 'function' ? script(body, asked.length - 1) : script.shift()
    if (reply) await reply(response, body)
    else
      response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{"message":"the script is over"}}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** An answer, streamed in small pieces. */
export const says =
  (text: string): Reply =>
  (response, asked) =>
    stream(response, asked, [...pieces(text, 7).map((content) => ({ content }))], 'stop')

/** Calls of tools, their arguments split wherever it hurts. */
export const calls =
  (...wanted: [name: string, input: object | string][]): Reply =>
  (response, asked) =>
    stream(
      response,
      asked,
      wanted.flatMap(([name, input], index) => [
        { tool_calls: [{ index, id: `call_${index}`, type: 'function', function: { name, arguments: '' } }] },
        ...pieces(typeof input === 'string' ? input : JSON.stringify(input), 3).map((part) => ({
          tool_calls: [{ index, function: { arguments: part } }],
        })),
      ]),
      'tool_calls',
    )

/** Deltas as they are, for what servers get wrong. */
export const streams =
  (deltas: object[], finish: string | null = 'stop'): Reply =>
  (response, asked) =>
    stream(response, asked, deltas, finish)

export const fails =
  (status: number, message: string, headers: Record<string, string> = {}): Reply =>
  (response) => {
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify({ error: { message } }))
  }

/** Takes the request and says nothing. */
export const stalls: Reply = () => {}

/** Says something and then nothing. */
export const stallsAfter =
  (text: string): Reply =>
  (response) => {
    begin(response)
    response.write(event({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] }))
  }

/** Cuts the connection in the middle. */
export const breaksOff =
  (text: string): Reply =>
  (response) => {
    begin(response)
    response.write(event({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] }), () =>
      response.destroy(),
    )
  }

/** Bytes as they are. */
export const raw =
  (body: string, contentType = 'text/event-stream'): Reply =>
  (response) => {
    response.writeHead(200, { 'content-type': contentType }).end(body)
  }

/** Waits for the gate before it replies. */
export const after =
  (gate: Promise<unknown>, reply: Reply): Reply =>
  async (response, asked) => {
    await gate
    await reply(response, asked)
  }

function stream(response: ServerResponse, asked: Asked, deltas: object[], finish: string | null): void {
  begin(response)
  for (const delta of deltas) response.write(event({ choices: [{ index: 0, delta, finish_reason: null }] }))
  if (finish) response.write(event({ choices: [{ index: 0, delta: {}, finish_reason: finish }] }))
  if (asked.stream_options)
    response.write(event({ choices: [], usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 } }))
  response.end('data: [DONE]\n\n')
}

const begin = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { 'content-type': 'text/event-stream' })

const event = (data: object): string =>
  `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 1, model: 'test-model', ...data })}\n\n`

function pieces(text: string, size: number): string[] {
  const characters = [...text]
  const parts: string[] = []
  for (let index = 0; index < characters.length; index += size)
    parts.push(characters.slice(index, index + size).join(''))
  return parts
}

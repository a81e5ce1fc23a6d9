import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** A request as it came over the wire. */
export interface Seen {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: string
}

/** Answers instead of the API server; nothing: the API server answers. */
export type Fault = (request: Seen, response: ServerResponse) => boolean | undefined

/** A proxy that remembers what went through, and may answer in place of the server. With a prefix the server has a path. */
export async function tap(t: TestContext, target: string, prefix = '') {
  const seen: Seen[] = []
  const faults: Fault[] = []
  const server = createServer((incoming, response) => {
    pass(incoming, response).catch(() => response.destroy())
  })
  async function pass(incoming: IncomingMessage, response: ServerResponse) {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const url = new URL((incoming.url ?? '').replace(prefix, ''), target)
    const body = Buffer.concat(chunks).toString()
    const request: Seen = {
      method: incoming.method ?? '',
      path: (incoming.url ?? '').split('?')[0] ?? '',
      query: url.searchParams,
      headers: incoming.headers,
      body,
    }
    seen.push(request)
    if (faults.some((fault) => fault(request, response))) return
    if (!request.path.startsWith(prefix)) {
      response.writeHead(404).end()
      return
    }
    const { host: _host, connection: _connection, 'content-length': _length, ...headers } = incoming.headers
    const answer = await fetch(url, {
      method: request.method,
      headers: headers as Record<string, string>,
      ...(body && { body }),
    })
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
    response.end(await answer.text())
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`,
    seen,
    faults,
    stop: () => close(server),
  }
}

function close(server: ReturnType<typeof createServer>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

/** Answers requests whose path matches with a status and a body, once or always. */
export const answer =
  (pattern: RegExp, status: number, body: string | object, headers: Record<string, string> = {}): Fault =>
  ({ path, method }, response) => {
    if (!pattern.test(`${method} ${path}`)) return undefined
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text)
    return true
  }

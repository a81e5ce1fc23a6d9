import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { pushOf, sign } from '../webhooks/receiver.ts'

/** Signed pushes, each of another commit, as the bytes of whole requests: the client shall cost next to nothing. */
export function requests(count: number, round: number): Buffer[] {
  return Array.from({ length: count }, (_, index) => {
    const id = `${round}-${index}`
    const body = pushOf(createHash('sha1').update(id).digest('hex'))
    const head = [
      'POST /webhooks/gitea HTTP/1.1',
      'Host: bot',
      'User-Agent: Go-http-client/1.1',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Gitea-Delivery: ${id}`,
      'X-Gitea-Event: push',
      'X-Gitea-Event-Type: push',
      `X-Gitea-Signature: ${sign(body)}`,
    ]
    return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)
  })
}

interface Line {
  /** Resolves when the answer is there; anything but 202 is an error. */
  ask(request: Buffer): Promise<void>
  close(): void
}

async function openLine(url: string): Promise<Line> {
  const { hostname, port } = new URL(url)
  const socket: Socket = connect({ host: hostname, port: Number(port), noDelay: true })
  await once(socket, 'connect')
  let waiting: { resolve(): void; reject(error: Error): void } | undefined
  // Answers are small and have no body: one read holds one of them.
  socket.setEncoding('latin1').on('data', (text: unknown) => {
    if (String(text).startsWith('HTTP/1.1 202')) waiting?.resolve()
    else waiting?.reject(new Error(`answered ${String(text).slice(0, 200)}`))
  })
  socket.on('error', (error) => waiting?.reject(error))
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        socket.write(request)
      }),
    close: () => socket.destroy(),
  }
}

/** All of them over this many connections, as fast as they are answered; answers a second. */
export async function flood(url: string, all: Buffer[], connections: number): Promise<number> {
  const lines = await Promise.all(Array.from({ length: connections }, () => openLine(url)))
  let next = 0
  const started = performance.now()
  await Promise.all(
    lines.map(async (line) => {
      for (let request = all[next++]; request; request = all[next++]) await line.ask(request)
    }),
  )
  const seconds = (performance.now() - started) / 1000
  for (const line of lines) line.close()
  return all.length / seconds
}

/** One every so often, whether the one before was answered or not; how long each took from the moment it was due. */
export async function steady(url: string, all: Buffer[], perSecond: number, connections: number): Promise<number[]> {
  const free = await Promise.all(Array.from({ length: connections }, () => openLine(url)))
  const times: number[] = []
  const asked: Promise<void>[] = []
  const began = performance.now()
  for (const [index, request] of all.entries()) {
    const due = began + (index * 1000) / perSecond
    while (performance.now() < due) await new Promise(setImmediate)
    // In turns: a connection that rests for seconds would be closed.
    const line = free.shift()
    if (!line) throw new Error(`${connections} connections do not do for ${perSecond} a second`)
    asked.push(
      line.ask(request).then(() => {
        times.push(performance.now() - due)
        free.push(line)
      }),
    )
  }
  await Promise.all(asked)
  for (const line of free) line.close()
  return times
}

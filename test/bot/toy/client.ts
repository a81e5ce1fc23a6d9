import { randomUUID } from 'node:crypto'
import { connect as dial, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { PostRefused } from '../../../src/bot/platform.ts'
import { pause } from '../../../src/http/pause.ts'
import type { Line } from './server.ts'

type Told = Line | { kind: 'now' } | { kind: 'refused'; key: string }

interface Sending {
  line: object
  told: Promise<Line>
  resolve(line: Line): void
  reject(error: Error): void
}

export interface ClientOptions {
  port: number
  /** Every line once, one after another. */
  onLine(line: Line): Promise<void>
  /** All lines from before were told. */
  onNow(): Promise<void>
  onAway(): void
}

/** A connection that comes back, and sends again what the chat has not told back. */
export function createLineClient({ port, onLine, onNow, onAway }: ClientOptions) {
  const closing = new AbortController()
  const waiting = new Map<string, Sending>()
  let queue = Promise.resolve()
  let read = 0
  let socket: Socket | undefined

  function connect(): void {
    if (closing.signal.aborted) return
    socket = dial(port, '127.0.0.1')
    socket
      .on('error', () => {})
      .on('close', () => {
        if (closing.signal.aborted) return
        onAway()
        void pause(50, closing.signal).then(connect)
      })
    createInterface(socket)
      .on('error', () => {})
      .on('line', (text) => {
        queue = queue.then(() => take(JSON.parse(text) as Told))
      })
  }

  async function take(told: Told): Promise<void> {
    if (told.kind === 'now') {
      await onNow()
      for (const { line } of waiting.values()) write(line)
    } else if (told.kind === 'refused') {
      settle(told.key, ({ reject }) => reject(new PostRefused('There is no such thread or message in the chat.')))
    } else {
      if (told.by === 'bot') settle(told.key, ({ resolve }) => resolve(told))
      if (told.number <= read) return
      read = told.number
      await onLine(told)
    }
  }

  function settle(key: string, end: (sending: Sending) => void): void {
    const sending = waiting.get(key)
    waiting.delete(key)
    if (sending) end(sending)
  }

  const write = (line: object): void => void socket?.write(`${JSON.stringify(line)}\n`)

  return {
    connect,
    closing: closing.signal,
    read: () => read,
    /** Resolves with the line as the chat tells it. */
    send(kind: Line['kind'], of: number, text: string, key: string = randomUUID()): Promise<Line> {
      if (closing.signal.aborted) return Promise.reject(closing.signal.reason)
      const known = waiting.get(key)
      if (known) return known.told
      const { promise: told, resolve, reject } = Promise.withResolvers<Line>()
      const line = { kind, of, text, key }
      waiting.set(key, { line, told, resolve, reject })
      write(line)
      return told
    },
    async close() {
      closing.abort(new Error('the connection was closed'))
      for (const { reject } of waiting.values()) reject(closing.signal.reason)
      socket?.destroy()
      await queue
    },
  }
}

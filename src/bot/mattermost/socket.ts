import { type Dispatcher, WebSocket } from 'undici'
import { waitAfter } from './patience.ts'
import { SocketMessage } from './wire.ts'

export interface SocketOptions {
  url: string
  token: string
  dispatcher?: Dispatcher
  /** How often the link is tried, in milliseconds; one that says nothing for twice as long is dead. */
  pingMs: number
  closing: AbortSignal
  /** Called in order, with every event of the account. */
  onEvent(event: SocketMessage): void
  /** The link stands. `fresh`: what happened before is not told, and has to be read. */
  onOpen(fresh: boolean): void
  /** The link broke, or could not be made; it is tried again. */
  onBroken(reason: string): void
  /** The server still answers, but not to us. */
  onRefused(): void
}

const firstWordMs = 10_000

/**
 * The stream of the account's events. The token goes with the handshake: only then does the server give what was missed in a short
 * break. It never gives up; how long it waits in between stays below a quarter of a minute.
 *
 * The library's own socket authenticates too late for that, takes a refused ping for an answered one, and writes to the console.
 */
export function createSocket(options: SocketOptions): { start(): void } {
  const { closing, pingMs, onEvent, onOpen, onBroken, onRefused } = options
  /** What can be taken up again: the server's name for the link, and the number of the event that has to come next. */
  let life = { id: '', next: 0 }
  let current: WebSocket | undefined
  let failures = 0
  let sent = 0
  let timers: NodeJS.Timeout[] = []

  closing.addEventListener('abort', () => drop())

  function connect(): void {
    if (closing.aborted) return
    const socket = new WebSocket(addressOf(options.url, life), {
      headers: { authorization: `Bearer ${options.token}` },
      ...(options.dispatcher && { dispatcher: options.dispatcher }),
    })
    current = socket
    let hasSpoken = false
    let silentSince = Date.now()
    const ping = () => socket.send(JSON.stringify({ action: 'ping', seq: ++sent }))
    const firstWord = setTimeout(() => broken('the server accepted the connection but said nothing'), firstWordMs)
    const heart = setInterval(() => {
      if (Date.now() - silentSince > pingMs * 1.5) broken('the connection went silent')
      else if (socket.readyState === WebSocket.OPEN) ping()
    }, pingMs)
    timers = [firstWord, heart]

    socket.addEventListener('open', ping)
    socket.addEventListener('message', ({ data }) => {
      if (socket !== current) return
      silentSince = Date.now()
      clearTimeout(firstWord)
      const message = read(data)
      if (message) take(message)
    })
    socket.addEventListener('error', (event) => {
      if (socket === current) broken(reasonOf(event))
    })
    socket.addEventListener('close', ({ code }) => {
      if (socket === current) broken(`closed with code ${code}`)
    })

    function take(message: SocketMessage): void {
      const isReply = message.seq_reply > 0
      if (isReply && message.status === 'FAIL') onRefused()
      const isHello = message.event === 'hello'
      if (isHello) life = { id: String(message.data.connection_id ?? ''), next: message.seq }
      if (!hasSpoken) {
        hasSpoken = true
        failures = 0
        onOpen(isHello || life.id === '')
      } else if (isHello) onOpen(true)
      if (isReply) return
      if (message.seq !== life.next) {
        life = { id: '', next: 0 }
        broken(`event ${message.seq} came out of turn`)
        return
      }
      life.next++
      if (!isHello) onEvent(message)
    }

    function broken(reason: string): void {
      if (socket !== current) return
      drop()
      onBroken(reason)
      timers = [setTimeout(connect, waitAfter(++failures))]
    }
  }

  function drop(): void {
    for (const timer of timers.splice(0)) clearTimeout(timer)
    const socket = current
    current = undefined
    socket?.close()
  }

  return { start: connect }
}

/** The server's address may have a path of its own. */
function addressOf(url: string, { id, next }: { id: string; next: number }): string {
  const base = url.replace(/^http/, 'ws').replace(/\/+$/, '')
  return `${base}/api/v4/websocket?connection_id=${encodeURIComponent(id)}&sequence_number=${next}`
}

function read(data: unknown): SocketMessage | undefined {
  if (typeof data !== 'string') return undefined
  try {
    return SocketMessage.safeParse(JSON.parse(data)).data
  } catch {
    return undefined
  }
}

const reasonOf = (event: unknown): string => {
  const { message, error } = event as { message?: string; error?: Error }
  return [message, (error?.cause as Error | undefined)?.message].filter(Boolean).join(' ') || 'it could not be opened'
}

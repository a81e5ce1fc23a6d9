import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** The server's side of a WebSocket, as small as a test needs it: short unfragmented texts. */
export interface Link {
  send(value: unknown): void
  /** Breaks the connection. */
  destroy(): void
  /** From now on nothing is sent, while the connection stands. */
  hold(): void
}

export function accept(
  request: IncomingMessage,
  socket: Duplex,
  handlers: { onText(text: string): void; onEnd(): void },
): Link {
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
  const answer = createHash('sha1').update(key).digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${answer}\r\n\r\n`,
  )
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    for (let frame = read(rest); frame; frame = read(rest)) {
      rest = rest.subarray(frame.size)
      if (frame.opcode === 1) handlers.onText(frame.text)
      if (frame.opcode === 8) socket.end(Buffer.from([0x88, 0]))
    }
  })
  socket.on('error', () => {})
  socket.on('close', handlers.onEnd)
  let isHeld = false
  return {
    send(value) {
      if (!isHeld) socket.write(encode(JSON.stringify(value)))
    },
    destroy: () => void socket.destroy(),
    hold() {
      isHeld = true
    },
  }
}

function read(data: Buffer): { opcode: number; text: string; size: number } | undefined {
  if (data.length < 6) return undefined
  const long = ((data[1] as number) & 0x7f) === 126
  const length = long ? data.readUInt16BE(2) : (data[1] as number) & 0x7f
  const begin = long ? 4 : 2
  const size = begin + 4 + length
  if (data.length < size) return undefined
  const mask = data.subarray(begin, begin + 4)
  const payload = data.subarray(begin + 4, size).map((byte, index) => byte ^ (mask[index % 4] as number))
  return { opcode: (data[0] as number) & 0x0f, text: Buffer.from(payload).toString(), size }
}

function encode(text: string): Buffer {
  const payload = Buffer.from(text)
  const head =
    payload.length < 126
      ? Buffer.from([0x81, payload.length])
      : Buffer.from([0x81, 126, payload.length >> 8, payload.length & 0xff])
  return Buffer.concat([head, payload])
}

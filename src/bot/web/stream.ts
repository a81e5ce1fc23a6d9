import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Board } from './board.ts'
import { messageView, threadView } from './view.ts'

const heartbeatMs = 20_000
const mostStreams = 100
const mostUnsentBytes = 1024 * 1024

export interface Streams {
  /** Tells a page every change from now on. `false` when there are too many already. */
  open(request: FastifyRequest, reply: FastifyReply): boolean
}

/** Event streams to the pages. A page that does not read fast enough is cut off; it comes back and reads the whole state. */
export function createStreams(board: Board): Streams {
  const pages = new Set<(text: string) => void>()
  board.listen((change) => {
    if (pages.size === 0) return
    const thread = threadView(change.kind === 'message' ? change.message.thread : change.thread, board)
    const message = change.kind === 'message' ? messageView(change.message) : undefined
    const data = `data: ${JSON.stringify({ thread, message })}\n\n`
    for (const write of pages) write(data)
  })

  return {
    open(request, reply) {
      if (pages.size >= mostStreams) return false
      reply.hijack()
      const { raw } = reply
      // The port's limit on silent connections is for requests; a heartbeat tells of dead ones here.
      request.raw.socket.setTimeout(0)
      const write = (text: string): void => {
        if (raw.destroyed) return
        if (raw.writableLength > mostUnsentBytes) raw.destroy()
        else raw.write(text)
      }
      raw.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'x-accel-buffering': 'no',
      })
      write('retry: 1000\n\n')
      pages.add(write)
      const heartbeat = setInterval(() => write(': still here\n\n'), heartbeatMs)
      heartbeat.unref()
      raw.once('close', () => {
        clearInterval(heartbeat)
        pages.delete(write)
      })
      return true
    },
  }
}

import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { createBoard } from './board.ts'
import { accept, type Link } from './web-socket.ts'

/** A small working Mattermost: what it does was seen at a real one (11.4). */
export interface FakeMattermost extends ReturnType<typeof createBoard> {
  url: string
  token: string
  /** Every request of the bot: method and path. */
  requests: string[]
  /** Takes the next request whose line holds this, and breaks the connection instead of answering. */
  loseAnswer(line: string): void
  /** Answers with this instead, as long as it gives something. */
  interfere(
    answer: (line: string) => { status: number; body: string; headers?: Record<string, string> } | undefined,
  ): void
  /** Breaks all sockets; with `lasting` new ones are refused until `mend`. */
  cut(lasting?: boolean): void
  mend(): void
  /** Knows no earlier connection any more and no post that was sent twice, as after a restart. */
  forget(): void
  /** The sockets stay open and carry nothing. */
  hold(): void
  /** The next event is lost on its way. */
  loseEvent(): void
  revoke(): void
  /** Handshakes so far: `fresh`, or `resumed`. */
  handshakes: string[]
}

interface Life {
  id: string
  /** Everything sent, for those who come back. */
  sent: { seq: number }[]
  link: Link | undefined
}

export async function createMattermostServer(t: TestContext, { prefix = '' } = {}): Promise<FakeMattermost> {
  const token = 'bot-token-of-26-characters'
  const lives: Life[] = []
  const requests: string[] = []
  const handshakes: string[] = []
  let lost: string | undefined
  let interference: Parameters<FakeMattermost['interfere']>[0] = () => undefined
  let isCut = false
  let losesEvent = false
  let isRevoked = false

  const board = createBoard((event, data, broadcast) => {
    for (const life of isRevoked ? [] : lives) {
      const message = {
        event,
        data,
        broadcast: { channel_id: '', user_id: '', team_id: '', ...broadcast },
        seq: life.sent.length,
      }
      life.sent.push(message)
      if (losesEvent) losesEvent = false
      else life.link?.send(message)
    }
  })

  const http = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const line = `${request.method} ${decodeURIComponent(request.url ?? '').replace(`${prefix}/api/v4`, '')}`
    requests.push(line)
    const instead = interference(line)
    const { status, body, headers } = instead ?? answer(request, line, Buffer.concat(chunks))
    if (lost && line.includes(lost)) {
      lost = undefined
      return void request.socket.destroy()
    }
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
  })

  function answer(request: IncomingMessage, line: string, body: Buffer) {
    const isOurs = request.url?.startsWith(`${prefix}/api/v4/`)
    if (!isOurs) return { status: 404, body: '<html>nothing here</html>', headers: {} }
    const isKnown = request.headers.authorization === `Bearer ${token}` && !isRevoked
    const [status, value] = isKnown
      ? board.answer(line, body)
      : [401, { id: 'api.context.session_expired.app_error', message: 'Invalid or expired session.' }]
    return { status, body: JSON.stringify(value), headers: {} }
  }

  http.on('upgrade', (request, socket) => {
    const url = new URL(request.url ?? '', 'http://fake')
    if (isCut || url.pathname !== `${prefix}/api/v4/websocket`) return void socket.destroy()
    const known = lives.find(({ id }) => id === url.searchParams.get('connection_id'))
    const next = Number(url.searchParams.get('sequence_number'))
    const canResume = known && next <= known.sent.length
    const life: Life = canResume
      ? known
      : { id: `connection-${lives.length}-${handshakes.length}`, sent: [], link: undefined }
    handshakes.push(canResume ? 'resumed' : 'fresh')
    const link = accept(request, socket, {
      onText(text) {
        const { action, seq } = JSON.parse(text) as { action: string; seq: number }
        if (action !== 'ping') return
        const refused = {
          status: 'FAIL',
          error: { id: 'api.web_socket_router.not_authenticated.app_error' },
          seq_reply: seq,
        }
        link.send(isRevoked ? refused : { status: 'OK', data: { text: 'pong' }, seq_reply: seq })
      },
      onEnd() {
        if (life.link === link) life.link = undefined
      },
    })
    life.link = link
    if (canResume) return known.sent.slice(next).forEach((message) => void link.send(message))
    if (isRevoked) return
    lives.push(life)
    const hello = { event: 'hello', data: { connection_id: life.id }, broadcast: {}, seq: 0 }
    life.sent.push(hello)
    link.send(hello)
  })

  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const cutAll = () => lives.forEach(({ link }) => void link?.destroy())
  t.after(() => {
    cutAll()
    http.closeAllConnections()
    http.close()
  })
  return {
    ...board,
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}${prefix}`,
    token,
    requests,
    handshakes,
    loseAnswer(line) {
      lost = line
    },
    interfere(given) {
      interference = given
    },
    cut(lasting = false) {
      isCut = lasting
      cutAll()
    },
    mend() {
      isCut = false
    },
    forget() {
      lives.splice(0).forEach(({ link }) => void link?.destroy())
      board.forgetPending()
    },
    hold() {
      for (const { link } of lives) link?.hold()
    },
    loseEvent() {
      losesEvent = true
    },
    revoke() {
      isRevoked = true
    },
  }
}

// The baseline of the benchmark: as little as a bot on matrix-bot-sdk can be. Plain JavaScript, so that it pays for nothing else.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { LogLevel, LogService, MatrixClient } = require('matrix-bot-sdk')
const { setRequestFn } = require('matrix-bot-sdk/lib/request')

LogService.setLevel(LogLevel.ERROR)
setRequestFn(({ uri, method, qs, headers, body }, done) => {
  const query = new URLSearchParams(Object.entries(qs ?? {}).map(([key, value]) => [key, String(value)]))
  fetch(`${uri}?${query}`, { method, headers, body })
    .then(async (answer) => [answer, await answer.text()])
    .then(([{ status: statusCode }, text]) => done(null, { statusCode, body: text }, text), done)
})

const client = new MatrixClient(process.env.HOMESERVER_URL, process.env.HOMESERVER_TOKEN)
const self = await client.getUserId()
client.on('room.message', async (room, event) => {
  if (event.sender !== self) await client.sendMessage(room, { msgtype: 'm.text', body: `echo: ${event.content.body}` })
})
await client.start()
console.log('ready')

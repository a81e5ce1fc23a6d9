import Fastify from 'fastify'

/** The least that taking a webhook can cost: reads the body, answers 202, and forgets it. */
const app = Fastify({ bodyLimit: 5 * 1024 * 1024 })
app.removeAllContentTypeParsers()
app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
app.post('/webhooks/gitea', (_request, reply) => reply.code(202).send())
console.log(await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) }))
process.once('SIGTERM', () => app.close())

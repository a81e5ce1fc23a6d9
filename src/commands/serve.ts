import closeWithGrace from 'close-with-grace'
import { ConfigError, type LoadedConfig, secretsOf } from '../config/index.ts'
import { createLog, type Logger } from '../log.ts'
import { StorageError } from '../storage/index.ts'
import { sentenceOf } from '../text/sentence.ts'

const graceMs = 20_000
/** After the grace a step that does not listen is left behind; then connections and files are closed. */
const closeMs = 10_000

/**
 * `kube-agent serve`: works until a signal or until it cannot go on. Exit codes: 0 after a signal, 1 after a failure at work, 2 when
 * it cannot start like this: wrong configuration, or something that the configuration names is in use or unusable.
 */
export async function runServe(loaded: LoadedConfig, version: string): Promise<void> {
  const { config } = loaded
  if (config.chat.length === 0)
    refuse('No chat is configured. Set KUBE_AGENT_CHAT to matrix, mattermost or web; `kube-agent demo` needs nothing.')
  const log = createLog({ level: config.log.level, secrets: secretsOf(config) })
  // Loaded only now: what is refused above is refused at once.
  const { serve } = await import('../service/index.ts')
  const served = await serve({ loaded, version, log }).catch((error: unknown) => giveUp(error, log))

  const closing = closeWithGrace({ delay: graceMs + closeMs, logger: false }, async ({ err, signal }) => {
    log.info({ component: 'main', signal }, 'ending')
    if (err) log.fatal({ component: 'main', err }, 'ending after an error that nobody expected')
    await served.close(err ? 0 : graceMs)
  })
  const problem = await served.failed
  closing.uninstall()
  console.error(problem)
  await served.close(0)
  process.exit(1)
}

function giveUp(error: unknown, log: Logger): never {
  if (error instanceof ConfigError || error instanceof StorageError) refuse(error.message)
  log.fatal({ component: 'main', err: error }, 'start failed')
  console.error(sentenceOf(error))
  process.exit(1)
}

function refuse(sentence: string): never {
  console.error(sentence)
  process.exit(2)
}

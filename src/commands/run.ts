import closeWithGrace from 'close-with-grace'
import type { LoadedConfig } from '../config.ts'
import { createLog } from '../log.ts'
import { StoreError } from '../store.ts'
import { serve } from './serve.ts'

const graceMs = 20_000

/** `kube-agent serve`: works until a signal or until it cannot go on. Exit codes: 0 after a signal, 1 after a failure, 2 for bad configuration. */
export async function run(loaded: LoadedConfig, version: string): Promise<void> {
  if (loaded.config.chat.length === 0) {
    console.error('No chat is configured. Set KUBE_AGENT_CHAT to matrix or web; `kube-agent demo` needs nothing.')
    process.exit(2)
  }
  const served = await serve({ loaded, version }).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error))
    if (!(error instanceof StoreError))
      createLog({ level: loaded.config.log.level }).fatal({ err: error }, 'start failed')
    process.exit(error instanceof StoreError ? 2 : 1)
  })
  closeWithGrace({ delay: graceMs + 5_000, logger: false }, async ({ err }) => {
    if (err) console.error(err.message)
    await served.close(graceMs)
  })
  const problem = await served.failed
  console.error(problem)
  await served.close(0)
  process.exit(1)
}

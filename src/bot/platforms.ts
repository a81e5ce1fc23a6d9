import type { Logger } from 'pino'
import type { Dispatcher } from 'undici'
import type { UserId } from '../agent/approval.ts'
import { createMatrix } from './matrix/index.ts'
import type { ChatPlatform } from './platform.ts'
import { createWeb, type Web } from './web/index.ts'

/** What a platform remembers between two runs: positions, what it has seen. */
export interface Positions {
  get(key: string): Promise<unknown>
  set(key: string, value: unknown, ttlMs?: number): Promise<unknown>
  delete(key: string): Promise<unknown>
}

export interface PlatformOptions {
  matrix: { url?: string | undefined; token?: string | undefined }
  web: { token?: string | undefined; notice?: string; rooms: string[] }
  mayInvite(person: UserId): boolean
  positions: Positions
  dispatcher: Dispatcher
  log: Logger
}

export type PlatformName = 'matrix' | 'mattermost' | 'web' | 'terminal'

/** The chat that a name in the configuration means. */
export function createPlatform(name: PlatformName, options: PlatformOptions): ChatPlatform | Web {
  const { positions, log, dispatcher, mayInvite } = options
  switch (name) {
    case 'matrix':
      return createMatrix({
        url: options.matrix.url ?? '',
        token: options.matrix.token ?? '',
        mayInvite,
        positions,
        dispatcher,
        log: log.child({ component: 'matrix' }),
      })
    case 'web':
      return createWeb({ ...options.web, positions, log: log.child({ component: 'web' }) })
    case 'mattermost':
    case 'terminal':
      throw new Error(`Chat ${name} is not supported yet. Use matrix or web (KUBE_AGENT_CHAT).`)
  }
}

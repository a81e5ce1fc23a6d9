import type { Logger } from 'pino'
import type { Dispatcher } from 'undici'
import type { UserId } from '../agent/approval.ts'
import type { Metrics } from '../metrics.ts'
import type { Positions } from '../storage/index.ts'
import { counted } from './counted.ts'
import { createMatrix } from './matrix/index.ts'
import { createMattermost } from './mattermost/index.ts'
import type { Platform } from './platform.ts'
import { createTerminal, type TerminalOptions } from './terminal/index.ts'
import { createWeb } from './web/index.ts'

export interface PlatformOptions {
  matrix: { url?: string | undefined; token?: string | undefined }
  mattermost: { url?: string | undefined; token?: string | undefined }
  web: { token?: string | undefined; notice?: string; rooms: string[] }
  /** Who sits at the terminal; only the terminal conversation has one. */
  terminal?: Omit<TerminalOptions, 'positions'> | undefined
  mayInvite(person: UserId): boolean
  /** Whether the configuration names this very person, as an approver or as a user. */
  isNamed(person: UserId): boolean
  positions: Positions
  dispatcher: Dispatcher
  metrics: Pick<Metrics, 'posts'>
  log: Logger
}

export type PlatformName = 'matrix' | 'mattermost' | 'web' | 'terminal'

/** The chat that a name in the configuration means. Throws a sentence when it cannot be served. */
export function createPlatform(name: PlatformName, options: PlatformOptions): Platform {
  const platform = connected(name, options)
  return { ...platform, chat: counted(platform.chat, options.metrics) }
}

function connected(name: PlatformName, options: PlatformOptions): Platform {
  const { positions, log, dispatcher, mayInvite } = options
  switch (name) {
    case 'matrix':
      return {
        chat: createMatrix({
          url: options.matrix.url ?? '',
          token: options.matrix.token ?? '',
          mayInvite,
          positions,
          dispatcher,
          log: log.child({ component: 'matrix' }),
        }),
      }
    case 'web':
      return createWeb({ ...options.web, positions, log: log.child({ component: 'web' }) })
    case 'mattermost':
      return {
        chat: createMattermost({
          url: options.mattermost.url ?? '',
          token: options.mattermost.token ?? '',
          isNamed: options.isNamed,
          positions,
          dispatcher,
          log: log.child({ component: 'mattermost' }),
        }),
      }
    case 'terminal':
      if (options.terminal) return createTerminal({ ...options.terminal, positions })
      throw new Error('The terminal is no chat to serve: `kube-agent chat` is a conversation there (KUBE_AGENT_CHAT).')
  }
}

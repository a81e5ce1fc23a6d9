import type { Logger } from 'pino'
import type { Dispatcher } from 'undici'
import type { UserId } from '../agent/approval.ts'
import type { Positions } from '../storage/index.ts'
import { createMatrix } from './matrix/index.ts'
import { createMattermost } from './mattermost/index.ts'
import type { ChatPlatform } from './platform.ts'
import { createTerminal, type Terminal, type TerminalOptions } from './terminal/index.ts'
import { createWeb, type Web } from './web/index.ts'

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
  log: Logger
}

export type PlatformName = 'matrix' | 'mattermost' | 'web' | 'terminal'

/** The chat that a name in the configuration means. */
export function createPlatform(name: PlatformName, options: PlatformOptions): ChatPlatform | Web | Terminal {
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
      return createMattermost({
        url: options.mattermost.url ?? '',
        token: options.mattermost.token ?? '',
        isNamed: options.isNamed,
        positions,
        dispatcher,
        log: log.child({ component: 'mattermost' }),
      })
    case 'terminal':
      if (options.terminal) return createTerminal({ ...options.terminal, positions })
      throw new Error('The terminal is no chat to serve: `kube-agent chat` is a conversation there (KUBE_AGENT_CHAT).')
  }
}

import type { Logger } from 'pino'
import { pause } from '../../http/pause.ts'
import { askedWait, isAway, isLimited } from '../../http/request-error.ts'
import { backOff } from '../../http/waits.ts'
import type { Positions } from '../../storage/index.ts'
import { type Client, isRevoked, MatrixError } from './client.ts'

/** What is to be done about a room. */
export type Errand =
  | { kind: 'join'; room: string; invitedBy: string }
  | { kind: 'follow'; room: string; from: string; via: string }
  | { kind: 'decline'; room: string }
  | { kind: 'refuse-encrypted'; room: string }
  | { kind: 'leave'; room: string }

export interface Errands {
  /** Goes on with what the last run left, and tells it. */
  start(): Promise<Errand[]>
  /** Resolves when the errand is on disk. A new one for a room takes the place of the one before. */
  put(errand: Errand): Promise<void>
}

const mostErrands = 1_000
/** A room whose servers are in trouble must not keep us from the others. */
const mostAttempts = 8

/**
 * Joins and leaves take long and are limited, so the events do not wait for them: errands are done one after another, and are kept on
 * disk until the server has said yes or no, so that an invite is not lost with the process.
 */
export function createErrands(deps: {
  client: Client
  positions: Positions
  key: string
  attempt(errand: Errand): Promise<void>
  log: Logger
}): Errands {
  const { client, positions, key, attempt, log } = deps
  let errands: Errand[] = []
  let running: Promise<void> | undefined

  async function start(): Promise<Errand[]> {
    errands = ((await positions.get(key)) as Errand[] | undefined) ?? []
    run()
    return errands
  }

  async function put(errand: Errand): Promise<void> {
    errands = errands.filter((one) => one.room !== errand.room).slice(1 - mostErrands)
    errands.push(errand)
    await positions.set(key, errands)
    run()
  }

  function run(): void {
    running ??= runAll().finally(() => {
      running = undefined
    })
    running.catch((err: unknown) => {
      if (!client.closing.aborted) log.error({ component: 'matrix', err }, 'rooms could not be joined or left')
    })
  }

  async function runAll(): Promise<void> {
    for (let errand = errands[0]; errand && !client.closing.aborted; errand = errands[0]) {
      await untilAnswered(errand)
      errands = errands.filter((one) => one !== errand)
      await positions.set(key, errands)
    }
  }

  async function untilAnswered(errand: Errand): Promise<void> {
    let troubles = 0
    for (let failures = 1; ; failures++) {
      try {
        return await attempt(errand)
      } catch (error) {
        if (client.closing.aborted) throw error
        if (error instanceof MatrixError && error.status >= 500) troubles++
        if (troubles >= mostAttempts || (!isLimited(error) && !isAway(error) && !isRevoked(error))) {
          log.warn(
            { component: 'matrix', errand: errand.kind, room: errand.room, err: error },
            'the homeserver refused',
          )
          return
        }
        await pause(askedWait(error) ?? backOff(failures, { longestMs: 30_000 }), client.closing)
      }
    }
  }

  return { start, put }
}

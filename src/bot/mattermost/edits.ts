import type { MessageId } from '../platform.ts'

/** How often a post changes before people's eyes: the latest text counts, the last one always. */
export interface Edits {
  /** Shows this text when it is its turn, unless a later one comes. Never rejects. */
  progress(message: MessageId, text: string): void
  /** Shows this text now, after an edit under way. */
  final(message: MessageId, text: string): Promise<void>
  end(): void
}

interface Live {
  latest: string | undefined
  shown: string | undefined
  shownAt: number
  running: Promise<void>
  timer: NodeJS.Timeout | undefined
}

const shortestMs = 1_000
/** Each edit goes to everybody in the channel: the more posts are alive, the rarer each gets its turn. */
const apartMs = 300

/** `patch` changes a post; while it waits for a server that is away, later texts take the place of those not sent yet. */
export function createEdits(deps: {
  patch(message: MessageId, text: string, urgency: 'progress' | 'final'): Promise<void>
}): Edits {
  const lives = new Map<MessageId, Live>()

  const liveOf = (message: MessageId): Live => {
    const known = lives.get(message)
    if (known) return known
    const live = { latest: undefined, shown: undefined, shownAt: 0, running: Promise.resolve(), timer: undefined }
    lives.set(message, live)
    return live
  }

  function schedule(message: MessageId, live: Live): void {
    const interval = Math.max(shortestMs, lives.size * apartMs)
    live.timer ??= setTimeout(
      () => {
        live.running = send(message, live).finally(() => {
          live.timer = undefined
          if (live.latest !== undefined) schedule(message, live)
        })
      },
      Math.max(0, live.shownAt + interval - Date.now()),
    )
  }

  async function send(message: MessageId, live: Live): Promise<void> {
    const text = live.latest
    live.latest = undefined
    if (text === undefined || text === live.shown) return
    await deps.patch(message, text, 'progress').then(
      () => {
        live.shown = text
      },
      () => {},
    )
    live.shownAt = Date.now()
  }

  return {
    progress(message, text) {
      const live = liveOf(message)
      live.latest = text
      schedule(message, live)
    },
    async final(message, text) {
      const live = lives.get(message)
      if (live) {
        live.latest = undefined
        await live.running
        clearTimeout(live.timer)
        lives.delete(message)
      }
      await deps.patch(message, text, 'final')
    },
    end() {
      for (const live of lives.values()) clearTimeout(live.timer)
      lives.clear()
    },
  }
}

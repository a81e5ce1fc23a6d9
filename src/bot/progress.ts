import type { AgentEvent } from '../agent/events.ts'
import type { Markdown } from '../text/markdown.ts'
import type { Conversation } from './conversation.ts'
import type { Chat } from './platform.ts'
import { renderProgress } from './render.ts'

export interface Progress {
  listen(event: AgentEvent): void
  /** Waits until the progress post stands (if there is to be one) and stops editing it. */
  end(): Promise<void>
}

export interface ProgressDeps {
  chat: Chat
  model?: string
  /** How long a model may be silent before people see that something is going on. */
  patienceMs: number
  now(): number
  onError(error: unknown): void
}

/**
 * One quiet post per request, edited while the work goes on. It appears with the first step, or when the model takes long; the
 * platform merges edits that come too fast.
 */
export function showProgress(conversation: Conversation, deps: ProgressDeps): Progress {
  let posting: Promise<void> | undefined
  let atWork = true
  const patience = setTimeout(show, deps.patienceMs)

  function show(): void {
    const { request } = conversation.session
    if (!request || !atWork) return
    const markdown = renderProgress(request, conversation, {
      atWork,
      now: deps.now(),
      ...(deps.model && { model: deps.model }),
    })
    const { progress } = conversation
    if (!progress) return
    if (progress.message) deps.chat.edit(progress.message, markdown, 'progress').catch(deps.onError)
    else posting ??= post(progress, markdown).catch(deps.onError)
  }

  async function post(progress: NonNullable<Conversation['progress']>, markdown: Markdown): Promise<void> {
    progress.message = await deps.chat.post(conversation.thread, {
      id: progress.post,
      markdown,
      quiet: true,
      progress: true,
    })
    show()
  }

  return {
    listen(event) {
      if (event.kind === 'step') show()
      if (event.kind === 'model-start' && conversation.progress?.message) show()
    },
    async end() {
      atWork = false
      clearTimeout(patience)
      await posting
    },
  }
}

/** Puts the final state of the progress post into the outbox, so that it is not lost with a dropped edit. */
export function endProgress(conversation: Conversation, state: { now: number; model?: string }): void {
  const { request } = conversation.session
  const message = conversation.progress?.message
  if (message && request) {
    const markdown = renderProgress(request, conversation, { atWork: false, ...state })
    conversation.outbox.push({ kind: 'edit', message, markdown })
  }
  delete conversation.progress
}

import type { IncomingHttpHeaders } from 'node:http'
import type * as z from 'zod'
import type { Signal } from '../../signal.ts'
import type { WebhookSource } from '../source.ts'
import { branch, ofRepository, release } from './others.ts'
import { comment, pull } from './pull.ts'
import { push } from './push.ts'
import { job, run } from './run.ts'
import { createDerivation } from './secret.ts'
import { status } from './status.ts'
import { isSigned } from './verify.ts'

/**
 * What each event says; the names as in `X-Gitea-Event-Type`. Other events are of no interest.
 * https://github.com/go-gitea/gitea/blob/main/modules/webhook/type.go
 */
const events = new Map<string, z.ZodType<Signal | undefined>>([
  ['push', push],
  ['workflow_run', run],
  ['workflow_job', job],
  ['status', status],
  ['pull_request', pull],
  ['issue_comment', comment],
  ['pull_request_comment', comment],
  ['create', branch('created')],
  ['delete', branch('deleted')],
  ['release', release],
  ['repository', ofRepository],
])

export function gitea(secrets: string[]): WebhookSource {
  const derive = createDerivation()
  return {
    name: 'gitea',
    deliveryHeader: 'x-gitea-delivery',
    requiredHeaders: ['x-gitea-delivery', 'x-gitea-event', 'x-gitea-signature'],

    verify: (body, headers) => isSigned(body, headers, secrets, derive),

    parse(body, headers) {
      const event = events.get(eventOf(headers))
      if (!event) return { kind: 'ignored' }
      const parsed = event.safeParse(body)
      if (!parsed.success) return { kind: 'malformed' }
      return parsed.data ? { kind: 'signal', signal: parsed.data } : { kind: 'ignored' }
    },
  }
}

/** The finer of the two event headers; neither is signed, so the schema has the last word. */
function eventOf(headers: IncomingHttpHeaders): string {
  const group = String(headers['x-gitea-event'] ?? '')
  const fine = String(headers['x-gitea-event-type'] ?? group)
  // A comment on code in a review has the fine name that a plain comment on a pull request has.
  return group === 'pull_request_comment' ? '' : fine
}

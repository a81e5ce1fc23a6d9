import type { Logger } from 'pino'

/** Who asked, who decided, what ran and how it ended. */
export type AuditEvent =
  | { kind: 'asked'; thread: string; by: string }
  | {
      kind: 'proposed'
      thread: string
      approval: string
      tool: string
      arguments: string
      summary: string
      asker: string
    }
  | {
      kind: 'decision'
      thread: string
      approval: string
      by: string
      mark: 'approve' | 'deny'
      withdrawn: boolean
      verdict: string
      tool: string
      summary: string
    }
  | { kind: 'started'; thread: string; approval: string; tool: string; arguments: string; by: string[]; hash: string }
  | { kind: 'ended'; thread: string; approval: string; tool: string; state: string }

export type Audit = (event: AuditEvent) => void

/** One JSON line an event, at level info whatever else is logged, so that lines can be collected by `component: audit`. */
export function createAudit(log: Logger): Audit {
  const lines = log.child({ component: 'audit' }, { level: 'info' })
  return ({ thread, ...event }) => lines.info({ correlationId: thread, ...event }, 'audit')
}

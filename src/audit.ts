import type { Logger } from 'pino'

/**
 * Who asked, who decided, what ran and how it ended. What an approval became is told at least once: a process that ends between the save
 * of a state and that of its having been told repeats the same line at the next start.
 */
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
  | { kind: 'approved'; thread: string; approval: string; tool: string; by: string[] }
  /** An approval was taken back, so it waits again. */
  | { kind: 'reopened'; thread: string; approval: string; tool: string }
  | { kind: 'started'; thread: string; approval: string; tool: string; arguments: string; by: string[]; hash: string }
  | {
      kind: 'ended'
      thread: string
      approval: string
      tool: string
      /** It ran: `ended`, `failed` or `lost` (nobody knows). It did not: `denied`, `expired` or `withdrawn`. */
      state: 'ended' | 'failed' | 'lost' | 'denied' | 'expired' | 'withdrawn'
      /** Who denied it. */
      by?: string[]
      /** What it was withdrawn for. */
      why?: { kind: string }
    }

export type Audit = (event: AuditEvent) => void

/** One JSON line an event, at level info whatever else is logged, so that lines can be collected by `component: audit`. */
export function createAudit(log: Logger): Audit {
  const lines = log.child({ component: 'audit' }, { level: 'info' })
  return ({ thread, ...event }) => lines.info({ correlationId: thread, ...event }, 'audit')
}

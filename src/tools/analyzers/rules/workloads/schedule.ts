import { Cron } from 'croner'

/**
 * When a schedule is due next after a time, in milliseconds since the epoch; `never` when there is no such day. Nothing when the
 * schedule cannot be judged here: Kubernetes also takes forms such as `@every 1h`, and only the controller knows their beginning.
 */
export function nextDue(schedule: string, timeZone: string | undefined, after: number): number | 'never' | undefined {
  const { zone, pattern } = withoutZone(schedule)
  try {
    // The controller's own zone is UTC nearly everywhere. `5/15` is a step for Kubernetes.
    const options = { mode: '5-part', sloppyRanges: true, paused: true, timezone: timeZone ?? zone ?? 'UTC' } as const
    return new Cron(pattern, options).nextRun(new Date(after))?.getTime() ?? 'never'
  } catch {
    return undefined
  }
}

/** The form from before `spec.timeZone`: `CRON_TZ=Asia/Seoul 0 1 * * *`. */
function withoutZone(schedule: string): { zone: string | undefined; pattern: string } {
  const { zone, pattern } = /^(?:CRON_)?TZ=(?<zone>\S+)\s+(?<pattern>.*)$/.exec(schedule.trim())?.groups ?? {}
  return { zone, pattern: pattern ?? schedule.trim() }
}

interface ProbeTimes {
  initialDelaySeconds?: number | undefined
  periodSeconds?: number | undefined
  failureThreshold?: number | undefined
}

interface Probed {
  startupProbe?: ProbeTimes | undefined
  readinessProbe?: ProbeTimes | undefined
}

const leastMs = 2 * 60_000

/** How long a container may run without being ready, in milliseconds: what its probes give it, and at least two minutes. `started`: its startup probe is over. */
export function readinessGraceMs({ startupProbe, readinessProbe }: Probed, { started }: { started: boolean }): number {
  return Math.max(leastMs, (started ? 0 : timeOf(startupProbe)) + timeOf(readinessProbe))
}

function timeOf(probe: ProbeTimes | undefined): number {
  if (!probe) return 0
  const { initialDelaySeconds = 0, failureThreshold = 3, periodSeconds = 10 } = probe
  return (initialDelaySeconds + failureThreshold * periodSeconds) * 1_000
}

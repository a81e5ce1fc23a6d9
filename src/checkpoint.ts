import { channel } from 'node:diagnostics_channel'

const checkpoints = channel('kube-agent:checkpoint')

/**
 * Names a moment at which a crash would be interesting: `call:before`, `post:after`, … A subscriber of the diagnostics channel
 * `kube-agent:checkpoint` sees it before the next line runs (the crash tests end the process there); without one it costs nothing.
 */
export function checkpoint(point: string): void {
  if (checkpoints.hasSubscribers) checkpoints.publish({ point })
}

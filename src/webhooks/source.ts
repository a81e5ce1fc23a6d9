import type { IncomingHttpHeaders } from 'node:http'
import type { Signal } from '../signal.ts'

/** Something that sends us webhooks. */
export interface WebhookSource {
  /** Also the path: `POST /webhooks/<name>`. */
  readonly name: string
  /** The header that names a delivery. */
  readonly deliveryHeader: string
  /** Headers that must be there, each exactly once. */
  readonly requiredHeaders: string[]
  /** Whether the raw bytes carry a signature made with one of our secrets. Looks at every secret, whatever it finds. */
  verify(body: Buffer, headers: IncomingHttpHeaders): boolean
  /** What the delivery says. `malformed`: it is not what its headers claim. */
  parse(
    body: unknown,
    headers: IncomingHttpHeaders,
  ): { kind: 'signal'; signal: Signal } | { kind: 'ignored' } | { kind: 'malformed' }
}

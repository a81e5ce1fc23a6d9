import type { Severity } from '../analyzer.ts'
import type { CertificateFacts } from '../kinds/pem.ts'
import type { Snapshot } from '../snapshot.ts'
import { day } from './age.ts'

/** Something that ends: soon is a hint for a month, a warning in its last week, and critical when users meet it after its end. */
export type Expiry = { kind: 'fine' } | { kind: 'soon'; severity: Severity; at: string } | { kind: 'over'; at: string }

export function expiryOf(at: string | undefined, { now }: Pick<Snapshot, 'now'>): Expiry {
  const left = at === undefined ? Number.NaN : Date.parse(at) - now
  if (at === undefined || Number.isNaN(left) || left > 30 * day) return { kind: 'fine' }
  if (left <= 0) return { kind: 'over', at }
  return { kind: 'soon', severity: left <= 7 * day ? 'warning' : 'info', at }
}

/** A chain breaks with its first link. */
export const firstToEnd = (list: CertificateFacts[]): CertificateFacts | undefined =>
  list.toSorted((a, b) => Date.parse(a.notAfter) - Date.parse(b.notAfter))[0]

/** A bundle of roots holds as long as its last one. */
export const lastToEnd = (list: CertificateFacts[]): CertificateFacts | undefined =>
  list.toSorted((a, b) => Date.parse(b.notAfter) - Date.parse(a.notAfter))[0]

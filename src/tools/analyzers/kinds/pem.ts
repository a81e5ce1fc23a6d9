import { X509Certificate } from 'node:crypto'

export interface CertificateFacts {
  subject: string
  /** DNS names and addresses that it is for. */
  names: string[]
  notBefore: string
  notAfter: string
}

/**
 * What the certificates in base64 of PEM say, in their order, the server's own first. `unreadable` when there is something, but no
 * certificate; `absent` when there is nothing.
 */
export type Certificates = CertificateFacts[] | 'unreadable' | 'absent'

export function certificatesIn(base64: string): Certificates {
  if (base64.trim() === '') return 'absent'
  const blocks = Buffer.from(base64, 'base64').toString('latin1').match(block) ?? []
  try {
    return blocks.length === 0 ? 'unreadable' : blocks.map(factsOf)
  } catch {
    return 'unreadable'
  }
}

const block = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

function factsOf(pem: string): CertificateFacts {
  const certificate = new X509Certificate(pem)
  return {
    subject: certificate.subject?.replaceAll('\n', ', ') ?? '',
    names: namesOf(certificate.subjectAltName),
    notBefore: isoTime(certificate.validFromDate),
    notAfter: isoTime(certificate.validToDate),
  }
}

const isoTime = (date: Date): string => date.toISOString().replace('.000Z', 'Z')

/** `DNS:shop.example, IP Address:10.0.0.1` */
const namesOf = (subjectAltName = ''): string[] =>
  subjectAltName.split(', ').flatMap((name) => /^(?:DNS|IP Address):(.+)$/.exec(name)?.[1] ?? [])

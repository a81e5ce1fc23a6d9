import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { sentenceOf } from '../text/sentence.ts'

/**
 * Certificates to trust: Node's own and those of the file (PEM). Throws a sentence when the file cannot be read or holds anything
 * that is no certificate: found out later, it would look like a server that is away.
 */
export function trustedCertificates(caFile: string | undefined): string[] | undefined {
  if (!caFile) return undefined
  try {
    const extra = readFileSync(caFile, 'utf8').match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g)
    if (!extra) throw new Error('it holds no PEM certificate')
    for (const [index, certificate] of extra.entries()) assertCertificate(certificate, index + 1)
    return [...getCACertificates('default'), ...extra]
  } catch (error) {
    throw new Error(`KUBE_AGENT_CA_FILE ${caFile}: ${sentenceOf(error)}`, {
      cause: error,
    })
  }
}

function assertCertificate(pem: string, number: number): void {
  try {
    new X509Certificate(pem)
  } catch (error) {
    throw new Error(`certificate ${number} in it is damaged`, { cause: error })
  }
}

/**
 * Connections to one server: trusts the given certificates, goes through the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name.
 * Times are in milliseconds; 0 leaves the watching to the caller.
 */
export function createDispatcher(options: { ca: string[] | undefined; headersMs: number; bodyMs: number }): Dispatcher {
  const { ca, headersMs, bodyMs } = options
  const common = {
    headersTimeout: headersMs,
    bodyTimeout: bodyMs,
    allowH2: false,
    connect: { timeout: 10_000, ...(ca && { ca }) },
  }
  const proxied = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'].some((name) => process.env[name])
  return proxied ? new EnvHttpProxyAgent({ ...common, requestTls: common.connect }) : new Agent(common)
}

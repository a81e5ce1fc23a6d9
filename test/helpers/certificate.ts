import { generateKeyPairSync, sign } from 'node:crypto'

export interface Certificate {
  /** PEM, as a TLS server takes them; `cert` is also what a client trusts it by. */
  key: string
  cert: string
}

/** A certificate for `localhost` that signs itself. Made anew, so that no private key stands in a file. */
export function selfSigned({ from = new Date(0), until = new Date(4_000_000_000_000) } = {}): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const body = sequence(
    der(0xa0, integer(2)),
    integer(1),
    ecdsaWithSha256,
    name('localhost'),
    sequence(time(from), time(until)),
    name('localhost'),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(sequence(subjectAltName, octets(sequence(der(0x82, Buffer.from('localhost'))))))),
  )
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, privateKey))
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: pem(sequence(body, ecdsaWithSha256, signature)),
  }
}

/** Tag, length and content: https://www.rfc-editor.org/rfc/rfc5280#section-4.1 names the parts, X.690 their form. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: Buffer[]): Buffer => der(0x30, ...parts)
const integer = (value: number): Buffer => der(0x02, Buffer.from([value]))
const octets = (content: Buffer): Buffer => der(0x04, content)
const identifier = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const name = (text: string): Buffer => sequence(der(0x31, sequence(identifier('550403'), der(0x0c, Buffer.from(text)))))
const time = (date: Date): Buffer => der(0x18, Buffer.from(`${date.toISOString().replaceAll(/[-:T]|\.\d+/g, '')}`))

const ecdsaWithSha256 = sequence(identifier('2a8648ce3d040302'))
const subjectAltName = identifier('551d11')

const pem = (bytes: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`

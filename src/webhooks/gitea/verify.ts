import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { deriveSecret } from './secret.ts'

/**
 * Whether the raw bytes carry Gitea's signature, made with one of the secrets or with one derived for the repository, or its owner,
 * that the body is about: a secret of one repository does not sign for another. Tries every secret, whatever it finds.
 * https://github.com/go-gitea/gitea/blob/main/services/webhook/deliver.go
 */
export function isSigned(
  body: Buffer,
  headers: IncomingHttpHeaders,
  secrets: string[],
  derive = deriveSecret,
): boolean {
  const given = String(headers['x-gitea-signature'] ?? '')
  // Buffer.from(…, 'hex') stops silently at the first bad character, so the shape is checked before.
  if (!/^[0-9a-f]{64}$/.test(given)) return false
  const signature = Buffer.from(given, 'hex')
  const isMadeWith = (secret: string) => timingSafeEqual(createHmac('sha256', secret).update(body).digest(), signature)

  const scopes = scopesIn(body)
  const derived = secrets.flatMap((secret) => scopes.map((scope) => ({ secret: derive(secret, scope), scope })))
  const isOurs = secrets.filter(isMadeWith).length > 0
  const ofScopes = derived.filter(({ secret }) => isMadeWith(secret))
  return isOurs || ofScopes.some(({ scope }) => isAbout(body, scope))
}

const repositoryKey = '\n  "repository": {'

/**
 * What the body seems to be about, found without parsing what nobody has signed: Gitea indents by two spaces, and a string in JSON
 * has no line breaks. Only a hint which secrets to try.
 */
function scopesIn(body: Buffer): string[] {
  const at = body.lastIndexOf(repositoryKey)
  if (at < 0) return []
  const name = /\n {4}"full_name": "([\w.-]{1,255}\/[\w.-]{1,255})"/.exec(body.toString('latin1', at, at + 64 * 1024))
  const fullName = name?.[1]
  return fullName ? [fullName, fullName.slice(0, fullName.indexOf('/'))] : []
}

/** Whether JSON.parse, which is what the rest of us reads, sees the same repository: the signature holds, so it may look. */
function isAbout(body: Buffer, scope: string): boolean {
  try {
    const { repository } = JSON.parse(body.toString('utf8'))
    const fullName = String(repository.full_name).toLowerCase()
    return [fullName, fullName.slice(0, fullName.indexOf('/'))].includes(scope.toLowerCase())
  } catch {
    return false
  }
}

/** A kind of credential: what it looks like, and which part of the match is the secret (the whole without a group `secret`). */
interface Pattern {
  kind: string
  pattern: RegExp
}

// Each pattern is linear: bounded quantifiers, no nested repetition.
const patterns: Pattern[] = [
  {
    kind: 'private key',
    pattern: /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,20000}(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?/g,
  },
  { kind: 'token', pattern: /\beyJ[\w-]{8,2000}\.[\w-]{8,4000}\.[\w-]{0,1000}/g },
  {
    kind: 'token',
    pattern:
      /\b(?:gh[pousr]_\w{30,255}|github_pat_\w{30,255}|glpat-[\w-]{20,64}|xox[abeoprs]-[\w-]{10,250}|syt_\w{6,250}_\w{6,64}_\w{4,16}|sk-[\w-]{20,200})/g,
  },
  { kind: 'access key', pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g },
  {
    kind: 'token',
    pattern:
      /\b(?:authorization|proxy-authorization)["']?\s{0,5}[:=]\s{0,5}["']?(?:bearer|basic|token)\s{1,5}(?<secret>[\w.+/=~-]{6,4000})/gi,
  },
  { kind: 'token', pattern: /\bbearer\s{1,5}(?<secret>[\w.+/=~-]{16,4000})/gi },
  { kind: 'password', pattern: /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@"']{0,100}:(?<secret>[^\s@/"']{1,200})@/gi },
  {
    kind: 'secret',
    pattern:
      /(?:\b|_)(?:password|passwd|pwd|passphrase|secret|secret[_-]?key|access[_-]?key|api[_-]?key|auth[_-]?token|access[_-]?token|refresh[_-]?token|client[_-]?secret|private[_-]?key|token)["']?\s{0,3}(?:[:=]|=>)\s{0,3}(?:"(?<double>[^"\n]{3,500})"|'(?<single>[^'\n]{3,500})'|(?<secret>[^\s"',;&)}\]]{3,500}))/gi,
  },
  {
    kind: 'key data',
    pattern:
      /\b(?:client-key-data|client-certificate-data|certificate-authority-data)["']?\s{0,3}:\s{0,3}["']?(?<secret>[\w+/=]{20,20000})/g,
  },
]

/** Words after `token:` and the like that are no secrets. */
const harmless = /^(?:true|false|null|none|undefined|\*+|<[^>]*>|\$[{(]?[\w.]+[)}]?|\[removed\]|«.*)$/i

/** Replaces credentials in text from outside; everything else stays as it is. Not a promise that none is left. */
export function redact(text: string): string {
  return patterns.reduce(
    (current, { kind, pattern }) => current.replace(pattern, (...match) => hide(kind, match)),
    text,
  )
}

function hide(kind: string, match: unknown[]): string {
  const whole = match[0] as string
  const groups = match.at(-1) as Record<string, string | undefined> | string
  const secret = typeof groups === 'object' ? (groups.secret ?? groups.double ?? groups.single) : whole
  if (secret === undefined || harmless.test(secret)) return whole
  const at = whole.lastIndexOf(secret)
  return `${whole.slice(0, at)}«${kind} removed»${whole.slice(at + secret.length)}`
}

import type { Span } from './span.ts'

/** A form in which credentials stand in text; the group `secret` is the credential, else the whole match. */
interface Shape {
  kind: string
  pattern: RegExp
}

/** Names of which the value is a credential, as their end: `DB_PASSWORD`, `dbPassword`, `client-secret`, `비밀번호`. */
const name = [
  '[\\w.-]{0,60}?(?:password|passwd|passphrase|passcode|secret|token|credentials?)',
  '[\\w.-]{0,60}?(?:api|access|auth|private|secret|signing|encryption|account|shared[_-]?access|master|ssh|storage)[_-]?key',
  '(?:[\\w.-]{0,60}[_.-])?(?:pass|pwd|pin|dsn)',
  '[a-z\\d]{0,40}(?:Pass|Pwd)',
  '_auth',
  '(?:비밀\\s?번호|패스워드|암호|비밀\\s?키|인증\\s?키|토큰|시크릿)',
].join('|')

/** A name with what may quote it, also escaped as in JSON within JSON. */
const key = `(?<![\\w\\\\-])\\\\{0,8}["'\`]?(?:${name})\\\\{0,8}["'\`]?`
const is = '[ \\t]{0,40}(?:=>|:=|[:=])[ \\t]{0,40}'
const quoted = [
  `(?:\\\\{1,8}"(?<escaped>(?:(?!\\\\{1,8}")[^\\n]){1,2000}))`,
  '(?:"(?<double>(?:[^"\\\\\\n]|\\\\.){1,2000})"?)',
  `(?:'(?<single>(?:[^'\\n]|''){1,2000})'?)`,
].join('|')

// Each pattern is linear: quantifiers are bounded, and nothing repeats what repeats.
const shapes: Shape[] = [
  // A key as a whole, also encrypted, in a diff, on one line with `\n`; and one whose last lines are cut off.
  {
    kind: 'private key',
    pattern:
      /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[\s\S]{0,20000}?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|(?:(?:\\r)?\\n|[\s\w+/=:,.-]){0,20000})/g,
  },
  { kind: 'token', pattern: /\beyJ[\w-]{8,4000}\.[\w-]{8,8000}(?:\.[\w-]{0,2000})?/g },
  {
    kind: 'token',
    pattern:
      /(?<![A-Za-z0-9])(?:gh[pousr]_\w{20,255}|github_pat_\w{20,255}|gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas|imt)-[\w.-]{16,300}|xox[abceoprs]-[\w-]{8,250}|xapp-[\w-]{8,250}|syt_\w{4,250}_\w{4,64}_\w{4,16}|ma[tr]_\w{16,200}|sk-[\w-]{16,300}|hf_[A-Za-z0-9]{20,80}|npm_\w{20,80}|pypi-[\w-]{20,400}|dckr_(?:pat|oat)_[\w-]{16,100}|hv[sbr]\.[\w-]{16,300}|AIza[\w-]{30,60}|ya29\.[\w-]{16,400}|GOCSPX-[\w-]{16,60}|SG\.[\w-]{16,60}\.[\w-]{16,80}|[sr]k_(?:live|test)_\w{16,200}|whsec_[\w+/=]{16,200}|shp(?:at|ca|pa|ss)_\w{16,80}|do[por]_v1_\w{32,100}|glsa_\w{20,80}|glc_[\w+/=]{20,300}|lin_api_\w{20,80}|tskey-[\w-]{16,200}|PMAK-[\w-]{20,120}|ATATT3x[\w=-]{20,300}|ATBB\w{20,80}|AGE-SECRET-KEY-1[A-Z0-9]{30,80}|nvapi-[\w-]{20,200}|gsk_\w{20,120}|xai-\w{20,120}|r8_\w{20,80}|dapi[0-9a-f]{32}|NRAK-[A-Z0-9]{20,60}|sq0(?:atp|csp)-[\w-]{16,60}|key-[0-9a-f]{32}|EAA[A-Za-z0-9]{60,300}|sl\.[\w-]{60,300}|ops_eyJ[\w-]{40,4000})/g,
  },
  { kind: 'access key', pattern: /(?<![A-Z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])/g },
  {
    kind: 'webhook address',
    pattern:
      /https:\/\/(?:hooks\.slack\.com\/(?:services|workflows)|discord(?:app)?\.com\/api\/webhooks|[\w-]{1,60}\.webhook\.office\.com\/webhookb2)\/(?<secret>[\w@/-]{8,400})/g,
  },
  { kind: 'webhook address', pattern: /https?:\/\/[\w.:-]{1,120}\/hooks\/(?<secret>[a-z0-9]{26})\b/g },

  // Addresses. The password may hold an `@`: the last one before the host ends it.
  {
    kind: 'password',
    pattern: /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@"'<>]{0,100}:(?<secret>[^\s/"'<>]{1,300})@(?=[\w.[-])/gi,
  },
  { kind: 'token', pattern: /\bhttps?:\/\/(?<secret>[\w-]{20,300})@(?=[\w.[-])/gi },
  {
    kind: 'signature',
    pattern:
      /[?&;](?:sig|signature|X-Amz-(?:Signature|Security-Token|Credential)|X-Goog-(?:Signature|Credential)|key|code|AWSAccessKeyId)=(?<secret>[\w%+/=.~-]{16,2000})/gi,
  },

  // Headers, as they are sent, and as programs print them: `Authorization:[Bearer …]`.
  {
    kind: 'token',
    pattern:
      /\b(?:proxy-)?authorization\\{0,8}["']?\s{0,5}[:=]\s{0,5}[[{(]?\\{0,8}["'[]{0,2}(?:(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)(?:\s|%20){1,5})?(?<secret>[\w.+/=~%:,-]{6,8000})/gi,
  },
  {
    kind: 'token',
    pattern: /\b(?:bearer|basic)(?:\s|%20){1,5}(?<secret>(?=[\w.+/=~-]{0,200}[\d=+/.])[\w.+/=~-]{12,8000})/gi,
  },
  {
    kind: 'cookie',
    pattern:
      /\b(?:set-)?cookie\\{0,8}["']?\s{0,5}:\s{0,5}\\{0,8}["'[]{0,2}(?<secret>[\w.-]{1,100}=[^\s"'\];]{6,4000}(?:;\s{0,2}[\w.-]{1,100}=[^\s"'\];]{6,4000}){0,20})/gi,
  },

  // A name and its value: quoted in JSON, YAML, HCL, TOML and programs; a list of words behind a name that stands alone in its line.
  { kind: 'secret', pattern: new RegExp(`${key}${is}(?:${quoted})`, 'gi') },
  {
    kind: 'secret',
    pattern: new RegExp(
      `^[ \\t>|+-]{0,20}(?:(?:export|set|ENV|ARG)[ \\t]+)?${key}${is}(?<secret>[^\\s"'\`\\\\][^\\n]{0,2000})$`,
      'gim',
    ),
  },
  {
    kind: 'secret',
    pattern: new RegExp(`${key}${is}(?<secret>[^\\s"'\`,;&|()<>{}[\\]\\\\][^\\s"',;&)}\\]]{0,2000})`, 'gi'),
  },
  {
    kind: 'secret',
    pattern: new RegExp(
      `^([ \\t]{0,40}(?:-[ \\t]+)?)${key}:[ \\t]{0,4}[|>][-+\\d]{0,3}[ \\t]{0,10}\\r?\\n(?<secret>(?:[ \\t]{1,40}\\S[^\\n]{0,2000}(?:\\n|$)){1,400})`,
      'gim',
    ),
  },
  {
    kind: 'secret',
    pattern: new RegExp(
      `(?<![\\w-])--?(?:${name})(?:=|[ \\t]+|["'],[ \\t]{0,10})["']?(?<secret>[^\\s"'-][^\\s"']{0,500})`,
      'gi',
    ),
  },
  {
    kind: 'secret',
    pattern: new RegExp(
      `<(?:[\\w-]{1,40}:)?(?:${name})(?:\\s[^<>]{0,200})?>\\s{0,20}(?<secret>[^<>]{1,2000}?)\\s{0,20}</`,
      'gi',
    ),
  },
  {
    kind: 'secret',
    pattern: new RegExp(
      `<(?:add|property|entry|param)\\s[^<>]{0,200}?(?:key|name)=["'](?:${name})["']\\s[^<>]{0,200}?value=["'](?<secret>[^"']{1,2000})`,
      'gi',
    ),
  },

  // A name and a value apart: environment variables of pods, tags, parameters.
  {
    kind: 'secret',
    pattern: new RegExp(
      `\\b(?:name|key)\\\\{0,8}["']?[ \\t]{0,4}[:=][ \\t]{0,4}\\\\{0,8}["']?(?:${name})\\\\{0,8}["']?[ \\t]{0,4},?(?:\\\\n|[\\s+>|-]){0,40}\\\\{0,8}["']?value\\\\{0,8}["']?[ \\t]{0,4}[:=][ \\t]{0,4}(?:${quoted}|(?<secret>[^\\s"'\\\\][^\\s]{0,2000}))`,
      'gi',
    ),
  },
  {
    kind: 'secret',
    pattern: new RegExp(
      `\\bvalue\\\\{0,8}["']?[ \\t]{0,4}[:=][ \\t]{0,4}(?:${quoted}|(?<secret>[^\\s"'\\\\,][^\\s,]{0,2000})),?\\s{0,40}\\\\{0,8}["']?(?:name|key)\\\\{0,8}["']?[ \\t]{0,4}[:=][ \\t]{0,4}\\\\{0,8}["']?(?:${name})\\b`,
      'gi',
    ),
  },

  // Command lines and files with forms of their own.
  { kind: 'password', pattern: /(?:^|\s)(?:-u|--user)[ \t=]{1,4}["']?[^\s:"'/]{1,100}:(?<secret>[^\s"']{1,300})/g },
  {
    kind: 'password',
    pattern: /\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump)\b[^\n]{0,300}?\s-p(?<secret>[^\s-][^\s]{0,200})/g,
  },
  {
    kind: 'password',
    pattern:
      /\b(?:sshpass|docker login|podman login|helm registry login|oras login)\b[^\n]{0,300}?\s-p[ \t]{0,4}["']?(?<secret>[^\s"'-][^\s"']{0,200})/g,
  },
  {
    kind: 'password',
    pattern: /\b(?:redis-cli|valkey-cli)\b[^\n]{0,300}?\s-a[ \t]{1,4}["']?(?<secret>[^\s"'-][^\s"']{0,200})/g,
  },
  {
    kind: 'password',
    pattern: /\bmachine\s{1,20}\S{1,200}\s{1,20}login\s{1,20}\S{1,200}\s{1,20}password\s{1,20}(?<secret>\S{1,300})/g,
  },
  {
    kind: 'password',
    pattern: /^[\w.*-]{1,200}:(?:\d{1,5}|\*):[^:\s]{1,100}:[^:\s]{1,100}:(?<secret>[^:\s]{3,200})$/gm,
  },
  { kind: 'credentials', pattern: /(?<!\\)\\{0,8}"auth\\{0,8}"\s{0,5}:\s{0,5}\\{0,8}"(?<secret>[\w+/=]{8,4000})/g },
  {
    kind: 'key data',
    pattern:
      /\b(?:client-key-data|client-certificate-data|certificate-authority-data)\\{0,8}["']?\s{0,3}:\s{0,3}\\{0,8}["']?(?<secret>[\w+/=]{20,20000})/g,
  },
]

/** Credentials by the form in which they stand: by their own, or by the name before them. */
export const foundByShape = (text: string): Span[] => [
  ...shapes.flatMap(({ kind, pattern }) => [...text.matchAll(pattern)].flatMap((match) => spanOf(match, kind))),
  ...endsOfKeys(text),
]

/** A private key whose first lines are cut off: the lines before its last one. */
function endsOfKeys(text: string): Span[] {
  return [...text.matchAll(/-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g)].map(({ index, 0: last }) => {
    let start = text.lastIndexOf('\n', index) + 1
    for (let before = start; before > 0; start = before) {
      before = text.lastIndexOf('\n', start - 2) + 1
      if (!keyLine.test(text.slice(before, start))) break
    }
    return { start, end: index + last.length, kind: 'private key' }
  })
}

const keyLine = /^[ \t>|+-]{0,20}[\w+/=]{16,100}[ \t]{0,4}\r?\n$/

function spanOf(match: RegExpExecArray, kind: string): Span[] {
  const { secret, double, single, escaped } = match.groups ?? {}
  const value = secret ?? double ?? single ?? escaped ?? match[0]
  if (isHarmless(value, match[0].slice(0, match[0].lastIndexOf(value)))) return []
  const start = match.index + match[0].lastIndexOf(value)
  return [{ start, end: start + value.length, kind }]
}

/** What stands behind a name like that and is no credential: placeholders, references, states, sentences, paths. */
function isHarmless(value: string, before: string): boolean {
  const text = value.trim().replace(/[.,;]$/, '')
  if (text.length < 3) return true
  if (
    /^(?:true|false|null|nil|none|undefined|bearer|basic|digest|negotiate|apikey|«.*|\*+|x{3,}|•+|\.{3,}|…+|\(?(?:hidden|redacted|removed|masked|omitted|encrypted)\)?|<[^<>]*>|\[[\w -]*\]|\$\(?\{?[\w.:-]*\}?\)?|\$\{\{[^}]*\}?\}?|\{\{[^}]*\}\}|%[\w]+%|@[\w.]+@)$/i.test(
      text,
    )
  )
    return true
  // A file or a reference in place of the value; `PWD=/srv` is a shell's working directory.
  if (/^(?:\/[a-z][\w.-]*){2,}$/.test(text) || (/^(?:OLD)?PWD=$/.test(before) && text.startsWith('/'))) return true
  if (/^(?:file|env|vault|secret|ref|arn|valueFrom|secretKeyRef)[:(]/i.test(text)) return true
  // `token: 512`: a count. `-u 1000:1000`: numbers of accounts.
  if (/^\d{1,5}$/.test(text) && /token|key|-u|--user/i.test(before)) return true
  return isSentence(text)
}

const states =
  /^(?:expired|invalid|missing|required|empty|unset|wrong|incorrect|mismatch(?:ed)?|rejected|accepted|valid|ok|yes|no|enabled|disabled|optional|unknown|unauthorized|forbidden|denied|failed|failure|error|refreshed|rotated|revoked|changed|updated|created|deleted|found|given|provided|present|absent|configured|unavailable|authentication|authorization|string|text|number|boolean|bytes|must|is|are|was|were|has|had|not|cannot|could|should|will|would|may|the|a|an|and|or|for|from|in|of|to|with|by|on|at|flag|option|file|field|value|type|name|header|received|sent|generated|loaded|read|used|hash|length|만료(?:됨|되었습니다)?|없음|필요(?:합니다)?|틀렸습니다|잘못됨)$/i

/** Words for readers: a state alone, or several words of which one belongs to a sentence. */
function isSentence(text: string): boolean {
  const words = text.split(/\s+/)
  if (words.length === 1) return states.test(text)
  return (
    words.every((word) => /^[\p{L}\p{N}'"()«»,.:-]+$/u.test(word)) &&
    words.some((word) => states.test(word.replaceAll(/[^\p{L}]/gu, '')))
  )
}

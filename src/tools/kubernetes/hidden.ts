const hidden = '(hidden)'

/** Values of such names are never shown, whatever they hold. */
export const isSecretName = (name: string): boolean =>
  /pass|pwd|secret|token|key|credential|auth|dsn|cert|salt/i.test(name)

/** `postgres://shop:…@db/shop`, and `password=…` in a connection string. */
export const withoutPassword = (value: string): string =>
  value
    .replaceAll(/(:\/\/[^\s:/@]{0,200}:)[^\s@]{1,500}@/g, `$1${hidden}@`)
    .replaceAll(/((?:pass(?:word|wd)?|pwd|secret|token|key)\s*=\s*)[^\s;&,]+/gi, `$1${hidden}`)

const secretLine =
  /^(\s*(?:-\s+)?["']?[\w.-]{0,60}(?:pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|(?:api|access|private|secret|signing|encryption)[_-]?key)["']?\s*[:=]\s*)\S.*$/gim

/** A file or a text from a configuration: kubeconfigs and keys as a whole, passwords where they stand. */
export function withoutSecrets(text: string): string {
  if (isKubeconfig(text)) return '(a kubeconfig, hidden)'
  if (/-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----/.test(text)) return '(a private key, hidden)'
  return withoutPassword(text.replaceAll(secretLine, `$1${hidden}`))
}

const isKubeconfig = (text: string): boolean =>
  /^\s*["']?(?:apiVersion|kind|clusters)["']?\s*:/m.test(text) &&
  /["']?kind["']?\s*:\s*["']?Config\b/.test(text) &&
  /["']?users["']?\s*:/.test(text)

/** The value that stands under a name: hidden when the name says so, else without the secrets in it. */
export const shownValue = (name: string, value: string): string =>
  value !== '' && isSecretName(name) && !value.includes('\n') ? hidden : withoutSecrets(value)

// Names of what is referred to are no secrets: `secretName`, `tokenRef`, `secretKeyRef`.
const secretField = /(?:password|passwd|passphrase|secret|token|api_?key|access_?key|private_?key|credentials?)$/i
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'
const bookkeeping = [lastApplied, 'deprecated.daemonset.template.generation']
const longAnnotation = 200
const longLine = 1_000

type Json = Record<string, unknown>

/** An object as it may be shown: without what the server keeps for itself, and without values that may be secrets. */
export function shownObject({ metadata, ...rest }: Json): Json {
  const {
    managedFields: _fields,
    resourceVersion: _version,
    annotations,
    ...meta
  } = (metadata ?? {}) as Json & {
    annotations?: Json
  }
  const kept = Object.entries(annotations ?? {})
    .filter(([key]) => key !== lastApplied)
    .map(([key, value]) => [key, shorten(shownValue(key, String(value)), longAnnotation)])
  const shownMeta = { ...meta, ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }) }
  const { apiVersion, kind, ...body } = rest
  return { apiVersion, kind, metadata: shownMeta, ...(shown(withoutData(kind, body), '') as Json) }
}

/** An object for a diff: whole, but values with secret names are hidden, and what the server or kubectl keeps for itself is left out. */
export function comparable({ metadata, status: _status, ...rest }: Json): Json {
  const {
    managedFields: _fields,
    resourceVersion: _version,
    generation: _generation,
    annotations,
    ...meta
  } = (metadata ?? {}) as Json & { annotations?: Json }
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !bookkeeping.includes(key))
  const shownMeta = { ...meta, ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }) }
  return { metadata: shownMeta, ...(withValues(rest, (_, value) => value) as Json) }
}

/** Shows only the keys of a Secret; the values of a ConfigMap are judged by their names. */
function withoutData(kind: unknown, { data, stringData, binaryData, ...body }: Json): Json {
  const named = (values: unknown, show: (key: string, value: unknown) => string) =>
    Object.fromEntries(Object.entries((values ?? {}) as Json).map(([key, value]) => [key, show(key, value)]))
  if (kind === 'Secret') return { ...body, data: named({ ...(data as Json), ...(stringData as Json) }, () => hidden) }
  if (kind !== 'ConfigMap') return { ...body, ...(data !== undefined && { data }) }
  const binary = binaryData
    ? { binaryData: named(binaryData, (_, value) => `(${String(value).length} characters)`) }
    : {}
  return { data: named(data, (key, value) => shownValue(key, String(value))), ...binary, ...body }
}

const shown = (value: unknown, field: string): unknown =>
  withValues(
    value,
    (name, text) => (secretField.test(name) && text !== '' ? hidden : shorten(withoutSecrets(text), longLine)),
    field,
  )

/** Each text in it as `show` wants it, but never the `value` beside a `name` that says it is a secret. */
function withValues(value: unknown, show: (field: string, text: string) => string, field = ''): unknown {
  if (typeof value === 'string') return show(field, value)
  if (Array.isArray(value)) return value.map((item) => withValues(item, show))
  if (typeof value !== 'object' || value === null) return value
  const { name, value: given } = value as Json
  const isHidden = typeof name === 'string' && typeof given === 'string' && given !== '' && isSecretName(name)
  const fields = isHidden ? { ...value, value: hidden } : value
  return Object.fromEntries(Object.entries(fields).map(([key, inner]) => [key, withValues(inner, show, key)]))
}

/** A text of several lines is a file and stays whole; a single line of this length is no text for a reader. */
const shorten = (text: string, most: number): string =>
  text.length <= most || text.includes('\n') ? text : `${text.slice(0, most)}… (${text.length} characters)`

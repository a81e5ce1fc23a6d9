import pino, { type DestinationStream, type Logger } from 'pino'

export type { Logger } from 'pino'

const secretKeys = [
  'token',
  'accessToken',
  'access_token',
  'apiKey',
  'api_key',
  'secret',
  'password',
  'authorization',
  'Authorization',
  'cookie',
]

/**
 * JSON lines on standard output. Values under secret-looking keys are removed, and so are the given secrets wherever they stand.
 * Keys of ours: `component`, `correlationId`, `namespace`, `resource`.
 */
export function createLog({
  level,
  secrets = [],
  destination,
}: {
  level: string
  secrets?: string[]
  destination?: DestinationStream
}): Logger {
  const known = secrets.filter((secret) => secret.length >= 6)
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '[removed]' },
      serializers: { err: (error: unknown) => describeError(error) },
      hooks: {
        streamWrite: (line) =>
          known.reduce((text, secret) => text.replaceAll(JSON.stringify(secret).slice(1, -1), '[removed]'), line),
      },
    },
    destination ?? pino.destination({ sync: true }),
  )
}

interface Described {
  type: string
  message: string
  code?: string
  stack?: string
  cause?: Described
}

/** Only what describes an error: library errors carry whole requests, with their credentials. */
function describeError(error: unknown, depth = 0): Described {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error).slice(0, 500) }
  const { name, message, stack, cause } = error
  const code = (error as { code?: unknown }).code
  return {
    type: name,
    message: message.slice(0, 2_000),
    ...(typeof code === 'string' && { code }),
    ...(stack && { stack: stack.split('\n').slice(0, 12).join('\n') }),
    ...(cause !== undefined && depth < 3 && { cause: describeError(cause, depth + 1) }),
  }
}

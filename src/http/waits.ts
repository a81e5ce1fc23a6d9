/**
 * `Retry-After` in milliseconds. It comes as seconds or as a date; 0 for a date that has passed, nothing for what is neither.
 * https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function retryAfterMs(value: string | string[] | null | undefined, now = Date.now()): number | undefined {
  if (typeof value !== 'string') return undefined
  // LiteLLM sends fractions: https://github.com/BerriAI/litellm/blob/main/litellm/proxy/hooks/parallel_request_limiter.py
  if (/^\d{1,9}(\.\d+)?$/.test(value)) return Math.round(Number(value) * 1000)
  // A date begins with a weekday; Date.parse would make one of any number.
  const date = /^[A-Za-z]{3}/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/** Milliseconds to leave a server alone after a number of failures: twice as long after each, up to `longestMs`. */
export const backOff = (
  failures: number,
  { firstMs = 500, longestMs }: { firstMs?: number; longestMs: number },
): number => Math.min(firstMs * 2 ** (failures - 1), longestMs)

/** A fifth more or less, so that not all clients come back at once. */
export const spread = (ms: number): number => ms * (0.8 + 0.4 * Math.random())

import * as z from 'zod'

const subdomain = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

/** Small models write numbers as text and `null` or nothing for what they leave out; both are understood, the schema stays plain. */
const lenient = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => {
    if (value === null || value === '') return undefined
    return typeof value === 'string' && /^-?\d+$/.test(value) && !schema.safeParse(value).success
      ? Number(value)
      : value
  }, schema)

/** Checked here and not by a pattern in the schema, which would cost the model more tokens than all the rest. */
const named = (what: string, pattern: RegExp, longest: number) =>
  z
    .string()
    .refine(
      (value) => value.length <= longest && pattern.test(value),
      `must be the name of ${what}: lower-case letters, digits, dashes`,
    )

export const name = named('an object', subdomain, 253)
export const optionalName = lenient(named('an object', subdomain, 253).optional())
export const namespace = lenient(named('a namespace', label, 63).optional())
/** A namespace, or `*` for all that there are. */
export const anyNamespace = lenient(
  z
    .string()
    .refine(
      (value) => value === '*' || (value.length <= 63 && label.test(value)),
      'must be the name of a namespace, or *',
    )
    .optional(),
)
export const container = lenient(named('a container', label, 63).optional())
export const integer = (minimum: number, maximum: number) => lenient(z.int().min(minimum).max(maximum))
export const optionalInteger = (minimum: number, maximum: number) =>
  lenient(z.int().min(minimum).max(maximum).optional())
const units: Record<string, number> = { s: 1 / 60, m: 1, h: 60, d: 24 * 60 }

/** Minutes; `30m`, `2h` and the like are understood too. */
export const minutes = z
  .preprocess((value) => {
    if (value === null || value === '') return undefined
    const [, count, unit = 'm'] = (typeof value === 'string' && /^(\d{1,6})\s?([smhd])?$/.exec(value)) || []
    return count === undefined ? value : Math.max(1, Math.round(Number(count) * (units[unit] ?? 1)))
  }, z.int().min(1).max(10_080).optional())
  .describe('Minutes back')

export const flag = z.preprocess(
  (value) => (value === null || value === '' ? undefined : value === 'true' ? true : value === 'false' ? false : value),
  z.boolean().optional(),
)
/** Plain text, no pattern: what comes from a model must not be able to keep the process busy. */
export const match = z.preprocess(
  (value) => (value === null || value === '' ? undefined : typeof value === 'number' ? String(value) : value),
  z
    .string()
    .refine((text) => text.length <= 200, 'must have at most 200 characters')
    .optional(),
)

/** How a summary says what is looked for. */
export const matching = (match: string | undefined): string =>
  match === undefined ? '' : ` with ${JSON.stringify(match)}`

/** Any short text: a key, a selector. */
export const text = z.preprocess(
  (value) => (value === null || value === '' ? undefined : typeof value === 'number' ? String(value) : value),
  z
    .string()
    .refine((given) => given.length <= 500, 'must have at most 500 characters')
    .optional(),
)

import * as z from 'zod'

const dns = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/

/** Small models write numbers as text and `null` or nothing for what they leave out; both are understood, the schema stays plain. */
const lenient = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => {
    if (value === null || value === '') return undefined
    return typeof value === 'string' && /^-?\d+$/.test(value) && !schema.safeParse(value).success
      ? Number(value)
      : value
  }, schema)

export const name = z
  .string()
  .max(253)
  .regex(dns, 'must be a name as Kubernetes has it: lower-case letters, digits, dashes')
export const namespace = lenient(z.string().max(63).regex(dns, 'must be a namespace name').optional()).describe(
  'Default: the bot’s namespace',
)
export const container = lenient(z.string().max(63).regex(dns).optional())
export const integer = (minimum: number, maximum: number) => lenient(z.int().min(minimum).max(maximum))
export const optionalInteger = (minimum: number, maximum: number) =>
  lenient(z.int().min(minimum).max(maximum).optional())
export const flag = z.preprocess(
  (value) => (value === null || value === '' ? undefined : value === 'true' ? true : value === 'false' ? false : value),
  z.boolean().optional(),
)

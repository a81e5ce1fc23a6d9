/**
 * Says what of a value is kept: the value itself, a part of it, or `misfit` when it is something else. Zod says the same more richly,
 * but reading a cluster is little more than this, for each field of each object: it took a third of the time of an analysis, and as
 * much memory for what it threw away as the whole snapshot.
 */
export type Shape<Result> = (value: unknown) => Result | typeof misfit

export const misfit: unique symbol = Symbol('misfit')

export type Kept<Of> = Of extends Shape<infer Result> ? Exclude<Result, typeof misfit> : never

type Fields = Record<string, Shape<unknown>>
type Optional<Of extends Fields> = { [Key in keyof Of]: undefined extends Kept<Of[Key]> ? Key : never }[keyof Of]
type KeptFields<Of extends Fields> = { [Key in Exclude<keyof Of, Optional<Of>>]: Kept<Of[Key]> } & {
  [Key in Optional<Of>]?: Kept<Of[Key]>
}

/** These fields, and no others. */
export function object<Of extends Fields>(fields: Of): Shape<{ [Key in keyof KeptFields<Of>]: KeptFields<Of>[Key] }> {
  const entries = Object.entries(fields)
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return misfit
    const kept: Record<string, unknown> = {}
    for (const [key, shape] of entries) {
      const field = shape((value as Record<string, unknown>)[key])
      if (field === misfit) return misfit
      if (field !== undefined) kept[key] = field
    }
    return kept as Kept<ReturnType<typeof object<Of>>>
  }
}

/** A field that may be missing, null or of another shape: then it is not there. */
export const maybe =
  <Result>(shape: Shape<Result>): Shape<Result | undefined> =>
  (value) => {
    const kept = value === undefined || value === null ? undefined : shape(value)
    return kept === misfit ? undefined : kept
  }

export const string: Shape<string> = (value) => (typeof value === 'string' ? value : misfit)

const array =
  <Item>(shape: Shape<Item>): Shape<Item[]> =>
  (value) => {
    if (!Array.isArray(value)) return misfit
    const kept: Item[] = []
    for (const item of value) {
      const one = shape(item)
      if (one === misfit) return misfit
      kept.push(one)
    }
    return kept
  }

/** A map of texts, kept as it is. */
const stringMap: Shape<Record<string, string>> = (value) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return misfit
  return Object.values(value).every((one) => typeof one === 'string') ? (value as Record<string, string>) : misfit
}

const numeric: Shape<number> = (value) => (typeof value === 'number' && Number.isFinite(value) ? value : misfit)

export const text = maybe(string)
export const number = maybe(numeric)
export const flag = maybe<boolean>((value) => (typeof value === 'boolean' ? value : misfit))
export const numberOrText = maybe<number | string>((value) => (typeof value === 'string' ? value : numeric(value)))
export const list = <Item>(shape: Shape<Item>) => maybe(array(shape))
export const texts = list(string)
export const strings = maybe(stringMap)

/** Something else made of what is kept. */
export const made =
  <From, To>(shape: Shape<From>, make: (kept: From) => To): Shape<To> =>
  (value) => {
    const kept = shape(value)
    return kept === misfit ? misfit : make(kept)
  }

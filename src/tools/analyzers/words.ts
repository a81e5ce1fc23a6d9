import type { ObjectRef } from './analyzer.ts'
import type { Unchecked } from './run.ts'

/** `shop/api`, or the name alone of what is in no namespace. */
export const nameOf = ({ namespace, name }: ObjectRef): string =>
  namespace === undefined ? name : `${namespace}/${name}`

const mostNames = 5

/** The first few by kind and name; the others are counted. */
export const namesOf = (refs: ObjectRef[]): string => some(refs.map((ref) => `${ref.kind} ${nameOf(ref)}`))

const some = (names: string[]): string =>
  names.length > mostNames
    ? `${names.slice(0, mostNames).join(', ')} and ${names.length - mostNames} more`
    : names.join(', ')

/** What could not be looked at, a line for each cause: a revoked token is one sentence, not one for each kind. */
export function uncheckedLines(unchecked: Unchecked[]): string[] {
  const causeOf = ({ kind, message }: Unchecked) =>
    message.startsWith(`${kind}: `) ? message.slice(kind.length + 2) : message
  return [...Map.groupBy(unchecked, causeOf)].map(([cause, group]) => {
    const kinds = [...new Set(group.map(({ kind }) => kind))]
    return group.length === 1 ? group[0]!.message : `${some(kinds)}: ${cause}`
  })
}

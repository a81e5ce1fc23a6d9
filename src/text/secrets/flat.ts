/** A text without some of its parts, and where each of its characters stood. */
export interface Flat {
  flat: string
  /** The place in the whole text of the character at this place in `flat`. */
  at(position: number): number
}

/** The text without what the pattern matches. `removed` has the flag `g`. */
export function without(text: string, removed: RegExp): Flat {
  const pieces: { flat: number; from: number }[] = []
  let flat = ''
  let from = 0
  for (const found of text.matchAll(removed)) {
    pieces.push({ flat: flat.length, from })
    flat += text.slice(from, found.index)
    from = found.index + found[0].length
  }
  if (pieces.length === 0) return { flat: text, at: (position) => position }
  pieces.push({ flat: flat.length, from })
  flat += text.slice(from)
  return {
    flat,
    at(position) {
      const index = pieces.findLastIndex((piece) => piece.flat <= position)
      const piece = pieces[index] as { flat: number; from: number }
      return piece.from + position - piece.flat
    },
  }
}

/** The known names that differ from `name` in few letters, nearest first: what was probably meant. */
export function nearest(name: string, known: string[], most = 3): string[] {
  return known
    .map((candidate) => ({ candidate, distance: distance(name.slice(0, 64).toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance: steps }) => steps <= Math.max(2, candidate.length / 3))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map(({ candidate }) => candidate)
}

/** Levenshtein distance, one row at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)),
      )
    }
    row = next
  }
  return row[b.length] ?? 0
}

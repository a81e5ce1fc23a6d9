import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import type { Analyzer } from '../../../src/tools/analyzers/analyzer.ts'
import { type KindName, kinds } from '../../../src/tools/analyzers/kinds/index.ts'
import { misfit } from '../../../src/tools/analyzers/kinds/shape.ts'
import { createSnapshot } from '../../../src/tools/analyzers/snapshot.ts'
import { now } from './snapshot.ts'

export type Objects = { [Name in KindName]?: object[] }

const odd = fc.constantFrom<unknown>(undefined, null, {}, [], '', 0, -1, 'x', false, [null], [{}])
const damages = fc.array(fc.record({ seeds: fc.array(fc.nat(), { minLength: 1, maxLength: 9 }), value: odd }), {
  minLength: 1,
  maxLength: 6,
})

/** Breaks objects at random places; the analyzer must bear with every such cluster and tell nothing empty. */
export function bearsDamage(analyzer: Analyzer, objects: Objects): void {
  fc.assert(
    fc.property(damages, (list) => {
      const broken = structuredClone(objects)
      for (const { seeds, value } of list) damage(broken, seeds, value)
      for (const { text } of analyzer.inspect(snapshotOfWhatParses(broken))) {
        assert.notEqual(text, '')
        assert.doesNotMatch(text, /undefined|NaN|\[object/)
      }
    }),
    { numRuns: 200 },
  )
}

/** Walks down as far as the seeds go and puts the odd value there. */
function damage(root: object, seeds: number[], value: unknown): void {
  let current = root as Record<string, unknown>
  for (const [depth, seed] of seeds.entries()) {
    const keys = Object.keys(current)
    const key = keys[seed % Math.max(1, keys.length)]
    if (key === undefined) return
    const below = current[key]
    if (depth === seeds.length - 1 || typeof below !== 'object' || below === null) {
      // The lists themselves come from the reader, which makes no such mistakes.
      if (current !== root) current[key] = value
      return
    }
    current = below as Record<string, unknown>
  }
}

function snapshotOfWhatParses(objects: Objects) {
  const parsed = Object.entries(objects).map(([kind, list]) => [
    kind,
    Object.values(list).flatMap((object) => {
      const kept = kinds[kind as KindName].schema(object)
      return kept === misfit ? [] : [kept]
    }),
  ])
  return createSnapshot({ objects: Object.fromEntries(parsed), unread: [], now })
}

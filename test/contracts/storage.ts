import { type TestContext, test } from 'node:test'
import type { Store, StoreOptions } from '../../src/storage/index.ts'
import { documents } from './storage/documents.ts'
import { jobs } from './storage/jobs.ts'
import { lives } from './storage/lives.ts'
import { namespaces } from './storage/namespaces.ts'
import { trouble } from './storage/trouble.ts'

/** Where a store lies, one process after another: empty at first, and gone after the test. */
export interface Place {
  /** Opens what the last process left; that one has closed its store or was killed. */
  open(options?: Partial<StoreOptions>): Promise<Store>
  /** The process that has it open ends here, whatever it is about to do. Its store is not used any more, and its handlers never return. */
  kill(): Promise<void>
}

/** One promise of src/storage/index.ts. */
export interface Scenario {
  title: string
  play(place: Place): Promise<void>
}

/** Registers every promise of a store as a test of one database; `settle` finds a place for each. */
export function storageContract(database: string, settle: (t: TestContext) => Promise<Place>): void {
  for (const { title, play } of [...jobs, ...trouble, ...lives, ...namespaces, ...documents])
    test(`${database}: ${title}`, async (t) => play(await settle(t)))
}

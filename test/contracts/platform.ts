import { type TestContext, test } from 'node:test'
import { deciding } from './scenarios/deciding.ts'
import { hearing } from './scenarios/hearing.ts'
import { lasting } from './scenarios/lasting.ts'
import { posting } from './scenarios/posting.ts'
import type { Abilities, Lack, Scenario, Stage } from './scene.ts'

/** Every promise of `ChatPlatform`, by what it is about. */
export const scenarios: { about: string; of: Scenario[] }[] = [
  { about: 'What people say', of: hearing },
  { about: 'What the bot posts', of: posting },
  { about: 'Decisions', of: deciding },
  { about: 'Absence and trouble', of: lasting },
]

/** How a scenario ended on a platform; `lacks` says why it cannot be played there. */
export type Ending = { kind: 'held' } | { kind: 'failed' } | { kind: 'lacks'; reason: string }

export type Endings = Map<string, Ending>

/**
 * Registers the contract as tests of one platform; `enter` sets a stage for each. What the platform lacks is skipped with its reason.
 * The endings fill up as the tests run.
 */
export function contract(platform: string, enter: (t: TestContext) => Promise<Stage>): Endings {
  const endings: Endings = new Map()
  for (const { title, needs, play } of scenarios.flatMap(({ of }) => of))
    test(`${platform}: ${title}`, async (t) => {
      const stage = await enter(t)
      const reason = needs.map((need) => lackOf(stage.can[need])).find((lack) => lack !== undefined)
      if (reason !== undefined) {
        endings.set(title, { kind: 'lacks', reason })
        return t.skip(reason)
      }
      endings.set(title, { kind: 'failed' })
      await play(stage)
      endings.set(title, { kind: 'held' })
    })
  return endings
}

const lackOf = (ability: Abilities[keyof Abilities] | Lack): string | undefined =>
  typeof ability === 'object' && 'lacks' in ability ? ability.lacks : undefined

import { matchesGlob } from 'node:path'
import type { PushSignal } from '../signal.ts'

/** Whether pushes to this branch are wanted: `default` stands for the repository's default branch, others are globs (`release/*`). */
export function wantsPush(
  { branch, repository }: Pick<PushSignal, 'branch' | 'repository'>,
  patterns: string[],
): boolean {
  return patterns.some((pattern) =>
    pattern === 'default' ? branch === repository.defaultBranch : matchesGlob(branch, pattern),
  )
}

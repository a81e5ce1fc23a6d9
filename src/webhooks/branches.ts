import { matchesGlob } from 'node:path'

/** Whether a branch is named by the patterns: `default` stands for the repository's default branch, others are globs (`release/*`). */
export const isWanted = (branch: string, defaultBranch: string, patterns: string[]): boolean =>
  patterns.some((pattern) => (pattern === 'default' ? branch === defaultBranch : matchesGlob(branch, pattern)))

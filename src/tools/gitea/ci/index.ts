import { UnusableAnswer } from '../../../http/unusable-answer.ts'
import type { RunSignal, StatusSignal } from '../../../signal.ts'
import type { Markdown } from '../../../text/markdown.ts'
import type { Gitea } from '../client.ts'
import { GiteaError, GiteaUnreachable } from '../errors.ts'
import { runFacts } from './facts.ts'
import { isOvertaken } from './history.ts'
import { type CiResult, readRunResult, repositoryById } from './result.ts'
import { readStatusResult, statusFacts } from './statuses.ts'

/** Asks the forge what became of the thing that a hint names. */
export async function ciResults(
  gitea: Gitea,
  hint: RunSignal | StatusSignal,
  signal: AbortSignal,
): Promise<CiResult[]> {
  const { runs } = await gitea.features(signal)
  if (hint.kind === 'run' ? !runs : hint.bySystem && runs) return []
  const repository = await repositoryById(gitea, hint.repository.id, signal)
  if (!repository) return []
  const result =
    hint.kind === 'run'
      ? await readRunResult(gitea, repository, hint.run, signal)
      : await readStatusResult(gitea, repository, hint.commit, signal)
  return result ? [result] : []
}

export const ciFacts = (gitea: Gitea, result: CiResult, signal: AbortSignal): Promise<Markdown> =>
  result.run === undefined ? statusFacts(gitea, result, signal) : runFacts(gitea, result, signal)

/** Whether something newer passed. Of statuses the newest is what was read. */
export const ciOvertaken = async (gitea: Gitea, result: CiResult, signal: AbortSignal): Promise<boolean> =>
  result.run !== undefined && (await isOvertaken(gitea, result, signal))

export const isForgeAway = (error: unknown): boolean =>
  error instanceof GiteaUnreachable ||
  error instanceof UnusableAnswer ||
  (error instanceof GiteaError && (error.status >= 500 || error.status === 429))

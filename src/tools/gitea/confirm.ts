import * as z from 'zod'
import type { ForgeSignal } from '../../signal.ts'
import { isForgeAway } from './ci/index.ts'
import { repositoryById, unlessGone } from './ci/result.ts'
import type { Gitea } from './client.ts'
import { inRepository, splitName } from './paths.ts'

const Commit = z.object({ sha: z.string() })
const query = { stat: false, verification: false, files: false }

/**
 * The signal with its repository as the forge has it. Nothing when the forge knows no such repository or commit, or calls the repository
 * otherwise: whoever may sign for one repository shall not speak for another. A forge that is away contradicts nobody.
 */
export async function confirmed<Given extends ForgeSignal>(
  gitea: Gitea,
  given: Given,
  signal: AbortSignal,
): Promise<Given | undefined> {
  try {
    const repository = await repositoryById(gitea, given.repository.id, signal)
    if (repository?.fullName.toLowerCase() !== given.repository.fullName.toLowerCase()) return undefined
    if (given.kind === 'push') {
      const path = inRepository(splitName(repository.fullName), `/git/commits/${given.after}`)
      if (!(await gitea.get(path, Commit, { signal, query }).catch(unlessGone))) return undefined
    }
    return { ...given, repository }
  } catch (error) {
    if (isForgeAway(error)) return given
    throw error
  }
}

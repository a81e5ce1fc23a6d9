import * as z from 'zod'
import { oneLine } from '../output.ts'
import { type ChangeTool, defineChange, Refusal } from '../tool.ts'
import { repositoryTarget, request, sendToGitea, writable } from './change.ts'
import type { Gitea } from './client.ts'
import { Commit } from './commits.ts'
import * as input from './inputs.ts'
import { firstLine, short } from './lines.ts'
import { inRepository, isHash } from './paths.ts'
import { inExisting } from './repositories.ts'

const Status = z.object({ status: z.string().catch(''), context: z.string().catch('') })

export function setStatus(gitea: Gitea): ChangeTool {
  return defineChange({
    name: 'gitea_set_status',
    description: 'Set a status of a commit (needs approval).',
    input: z.object({
      owner: input.owner,
      repo: input.repo,
      sha: z.string().refine(isHash, 'must be the full hash of a commit'),
      state: z.enum(['pending', 'success', 'error', 'failure', 'warning']),
      context: input.title,
      description: input.text,
      target_url: input.text,
    }),
    effect: 'change',
    scopes: ['write:repository'],
    summary: ({ owner, repo, sha, state, context }) =>
      `set status ${JSON.stringify(oneLine(context))} of ${owner}/${repo} ${short(sha)} to ${state}`,
    target: repositoryTarget,
    async preflight({ owner, repo, sha, state, context, description = '', target_url = '' }, { signal }) {
      const name = { owner, repo }
      if (target_url && (!/^https?:\/\//.test(target_url) || !URL.canParse(target_url)))
        throw new Refusal('target_url must be an http or https address.')
      const found = await writable(gitea, name, signal)
      // Gitea fails in an odd way on a commit that it does not know.
      const query = { stat: false, verification: false, files: false }
      const read = () => gitea.get(inRepository(name, `/git/commits/${sha}`), Commit, { signal, query })
      const { commit } = await inExisting(gitea, name, signal, read, `Commit ${sha}`)
      return {
        request: request('POST', inRepository(name, `/statuses/${sha}`), { state, context, description, target_url }),
        diff: '',
        affects: [
          `${short(sha)} ${firstLine(commit.message)}`,
          'a rule of a branch may let a pull request be merged because of it',
        ],
        version: `${found.id}/${sha}`,
        watch: 'none' as const,
      }
    },
    async run({ owner, repo, sha }, approved, { signal }) {
      const made = Status.parse(
        await sendToGitea(gitea, inRepository({ owner, repo }, `/statuses/${sha}`), approved, signal),
      )
      return `Status ${made.context} of ${short(sha)} is ${made.status} now.`
    },
  })
}

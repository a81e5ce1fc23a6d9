import * as z from 'zod'
import { pause } from '../../http/pause.ts'
import { oneLine } from '../output.ts'
import { type ChangeTool, defineChange, type Preview, Refusal } from '../tool.ts'
import { repositoryTarget, request, sendToGitea, writable } from './change.ts'
import type { Gitea } from './client.ts'
import { GiteaError } from './errors.ts'
import * as input from './inputs.ts'
import { inRepository, type RepositoryName } from './paths.ts'
import { checksOf, type Pull, readPull } from './pulls.ts'

const styles = ['merge', 'squash', 'rebase', 'rebase-merge', 'fast-forward-only'] as const
const mostDiffBytes = 512 * 1024
/** How often it is looked whether Gitea has found out if a pull request can be merged. */
const looks = 6

export function mergePull(gitea: Gitea, pauseMs = 1_000): ChangeTool {
  return defineChange({
    name: 'gitea_merge_pull',
    description: 'Merge a pull request (needs approval).',
    input: z.object({
      owner: input.owner,
      repo: input.repo,
      number: input.integer(1, 1e9),
      style: z.enum(styles).default('merge'),
      delete_branch: input.flag,
    }),
    effect: 'change',
    scopes: ['write:repository'],
    summary: ({ owner, repo, number, style }) => `merge pull request ${owner}/${repo}#${number} (${style})`,
    target: repositoryTarget,
    async preflight({ owner, repo, number, style, delete_branch = false }, { signal }) {
      const name = { owner, repo }
      const found = await writable(gitea, name, signal)
      const pull = await settled(gitea, name, number, signal, pauseMs)
      const path = inRepository(name, `/pulls/${number}`)
      const [checks, { text: diff, cut }] = await Promise.all([
        checksOf(gitea, name, pull.head.sha, signal),
        gitea.text(`${path}.diff`, { signal, maxBytes: mostDiffBytes + 1, keep: 'end' }),
      ])
      if (cut || diff.length > mostDiffBytes)
        throw new Refusal(
          `The diff of #${number} is too large to be shown for approval. Merge it in Gitea: ${pull.html_url}`,
        )
      const body = { Do: style, head_commit_id: pull.head.sha, delete_branch_after_merge: delete_branch }
      return {
        request: request('POST', `${path}/merge`, body),
        diff,
        affects: [
          `#${number} ${oneLine(pull.title)} by ${pull.user?.login ?? 'nobody'}: ${pull.head.label || pull.head.ref} at ${pull.head.sha} -> ${pull.base.ref}`,
          `CI: ${checks}`,
          ...(delete_branch ? [`branch ${pull.head.ref} is deleted afterwards`] : []),
        ],
        version: `${pull.number}/${pull.head.sha}/${pull.base.ref}`,
        watch: 'none' as const,
        branch: { repository: found.id, name: pull.base.ref },
      }
    },
    async run({ owner, repo, number }, approved, { signal }) {
      const name = { owner, repo }
      await send(gitea, inRepository(name, `/pulls/${number}/merge`), approved, { signal, pauseMs })
      const { merged } = await readPull(gitea, name, number, signal)
      return merged
        ? `Pull request ${owner}/${repo}#${number} was merged.`
        : `The merge of ${owner}/${repo}#${number} is scheduled.`
    },
  })
}

/** The pull request once Gitea knows whether it can be merged. It says "no" while it does not know yet, so only time tells. */
async function settled(
  gitea: Gitea,
  name: RepositoryName,
  number: number,
  signal: AbortSignal,
  pauseMs: number,
): Promise<Pull> {
  for (let look = 1; ; look++) {
    const pull = await readPull(gitea, name, number, signal)
    if (pull.merged) throw new Refusal(`Pull request #${number} is merged already.`)
    if (pull.state !== 'open') throw new Refusal(`Pull request #${number} is closed.`)
    if (pull.draft) throw new Refusal(`Pull request #${number} is a draft (work in progress).`)
    if (pull.mergeable) return pull
    if (look >= looks)
      throw new Refusal(
        `Pull request #${number} cannot be merged: it has conflicts with ${pull.base.ref}, or a rule of the branch forbids it.`,
      )
    await pause(pauseMs, signal)
  }
}

/** A refusal because of a check that is under way is no merge, so the same request may be sent again. */
async function send(
  gitea: Gitea,
  path: string,
  approved: Preview,
  { signal, pauseMs }: { signal: AbortSignal; pauseMs: number },
): Promise<void> {
  for (let look = 1; ; look++) {
    try {
      await sendToGitea(gitea, path, approved, signal)
      return
    } catch (error) {
      if (!(error instanceof GiteaError) || !/try again later/i.test(error.code)) throw error
      if (look >= looks)
        throw new Error('Not done: Gitea says that it cannot be merged, most likely for a conflict.', { cause: error })
      await pause(pauseMs, signal)
      signal.throwIfAborted()
    }
  }
}

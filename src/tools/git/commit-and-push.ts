import * as z from 'zod'
import { sentenceOf } from '../../text/sentence.ts'
import { type Fate, sendApproved } from '../approved.ts'
import { warnings, writable } from '../gitea/change.ts'
import { GiteaError } from '../gitea/errors.ts'
import * as input from '../gitea/inputs.ts'
import { encodedRef, inRepository, isBranch, isHash, type RepositoryName } from '../gitea/paths.ts'
import { type ChangeTool, defineChange, type Preview, Refusal } from '../tool.ts'
import { repositoryIn } from './clone.ts'
import type { GitTools } from './index.ts'
import { type ChangedFile, changesOf, diffOf } from './tree.ts'
import type { Clone } from './workspace.ts'

const mostDiffBytes = 256 * 1024

export function commitAndPush(tools: GitTools): ChangeTool {
  const { git, workspace } = tools
  return defineChange({
    name: 'gitea_commit_and_push',
    description: 'Commit all changes of a clone and push them, to a new branch if one is named (needs approval).',
    input: z.object({ path: z.string(), message: input.body, branch: input.optionalBranch }),
    effect: 'change',
    scopes: ['write:repository'],
    summary: ({ path, message, branch }) =>
      `commit and push ${path}${branch ? ` to ${branch}` : ''}: ${message.split('\n')[0]}`,
    target: ({ path }) => ({ kind: 'Clone', name: path }),
    async preflight({ path, message, branch: wanted }, { signal, thread }): Promise<Preview> {
      const clone = await workspace.open(thread, path)
      return workspace.alone(clone, async () => {
        const name = await originOf(tools, clone, signal)
        const found = await writable(tools.gitea, name, signal)
        const changes = await changesOf(git, clone, signal)
        refuseUnshowable(changes.files)
        const branch = wanted ?? changes.branch
        await refuseMoved(tools, clone, { branch, isNew: branch !== changes.branch, parent: changes.parent }, signal)
        await refuseUnpushable(tools, name, branch, signal)
        const diff = await diffOf(git, clone, changes, { signal, maxBytes: mostDiffBytes })
        // Made now, so that people approve the very commit that is pushed.
        const commit = await run(tools, clone, signal, 'commit-tree', changes.tree, '-p', changes.parent, '-m', message)
        return {
          request: {
            method: 'git push',
            path: addressOf(tools, name),
            contentType: 'text/plain',
            body: [
              `${commit}:refs/heads/${branch}`,
              `tree ${changes.tree}`,
              `parent ${changes.parent}`,
              '',
              message.trim(),
            ].join('\n'),
          },
          diff,
          affects: [
            `${found.full_name}, ${branch === changes.branch ? 'branch' : 'new branch'} ${branch}`,
            ...warnings(changes.files.map((file) => file.path)),
          ],
          version: `${found.id}/${branch}/${changes.parent}/${changes.tree}`,
          watch: 'none',
          branch: { repository: found.id, name: branch },
        }
      })
    },
    async run({ path }, approved, { signal, thread }) {
      const clone = await workspace.open(thread, path)
      const { commit, branch, tree, parent } = approvedPush(approved)
      return workspace.alone(clone, async () => {
        const name = await originOf(tools, clone, signal)
        const made = await run(tools, clone, signal, 'rev-parse', `${commit}^{tree}`)
        if (made !== tree) throw new Error('Not done: the commit is not the one that was approved.')
        const send = () => push(tools, clone, { commit, branch, parent }, signal)
        await sendApproved(approved, addressOf(tools, name), send, fateOf)
        await settleClone(tools, clone, { commit, branch }, signal)
        return `Commit ${commit.slice(0, 10)} was pushed to ${name.owner}/${name.repo} ${branch}.`
      })
    },
  })
}

const run = async ({ git }: GitTools, { folder }: Clone, signal: AbortSignal, ...args: string[]): Promise<string> =>
  (await git(args, { folder, signal })).trim()

const addressOf = ({ gitea }: GitTools, { owner, repo }: RepositoryName): string => `${gitea.url}/${owner}/${repo}.git`

async function originOf(tools: GitTools, clone: Clone, signal: AbortSignal): Promise<RepositoryName> {
  return repositoryIn(await run(tools, clone, signal, 'config', '--get', 'remote.origin.url'), tools.gitea)
}

function refuseUnshowable(files: ChangedFile[]): void {
  if (files.length === 0) throw new Refusal('Nothing was changed, so there is nothing to push.')
  const binary = files.filter((file) => file.isBinary).map((file) => file.path)
  if (binary.length > 0)
    throw new Refusal(
      `${binary.join(', ')} is no text, so the change cannot be shown for approval. A person has to push it.`,
    )
}

/** Where the branch stands on the server: nothing of others is to be lost, and no push is asked for that would fail. */
async function refuseMoved(
  tools: GitTools,
  clone: Clone,
  { branch, isNew, parent }: { branch: string; isNew: boolean; parent: string },
  signal: AbortSignal,
): Promise<void> {
  const head = await remoteHead(tools, clone, branch, signal)
  if (isNew && head) throw new Refusal(`Branch ${branch} exists already. Name another one.`)
  if (!isNew && head !== parent)
    throw new Refusal(
      `Branch ${branch} has other commits on the server than this clone. See gitea_git_pull, or push to a new branch.`,
    )
}

async function remoteHead(
  tools: GitTools,
  clone: Clone,
  branch: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const line = await run(tools, clone, signal, 'ls-remote', 'origin', `refs/heads/${branch}`)
  return line.split(/\s/)[0] || undefined
}

async function refuseUnpushable(
  { gitea }: GitTools,
  name: RepositoryName,
  branch: string,
  signal: AbortSignal,
): Promise<void> {
  const Branch = z.object({ user_can_push: z.boolean().catch(true) })
  try {
    const { user_can_push } = await gitea.get(inRepository(name, `/branches/${encodedRef(branch)}`), Branch, { signal })
    if (!user_can_push)
      throw new Refusal(
        `Branch ${branch} is protected: the bot may not push to it. Name a new branch and open a pull request.`,
      )
  } catch (error) {
    if (!(error instanceof GiteaError) || error.status !== 404) throw error
  }
}

function approvedPush({ request }: Preview): { commit: string; branch: string; tree: string; parent: string } {
  const [, commit = '', branch = '', tree = '', parent = ''] =
    /^([0-9a-f]+):refs\/heads\/(\S+)\ntree ([0-9a-f]+)\nparent ([0-9a-f]+)\n/.exec(request.body) ?? []
  if (![commit, tree, parent].every(isHash) || !isBranch(branch)) throw new Error('The approved push cannot be read.')
  return { commit, branch, tree, parent }
}

/** Pushes exactly this commit, never by force. When the answer is lost, the server is asked what became of it. */
async function push(
  tools: GitTools,
  clone: Clone,
  { commit, branch, parent }: { commit: string; branch: string; parent: string },
  signal: AbortSignal,
): Promise<void> {
  try {
    await run(tools, clone, signal, 'push', '--porcelain', 'origin', `${commit}:refs/heads/${branch}`)
  } catch (error) {
    const now = await remoteHead(tools, clone, branch, signal).catch(() => 'unknown')
    if (now === commit) return
    if (now === 'unknown') throw new PushFailed(error, 'unknown')
    const isMoved = now !== undefined && now !== parent
    throw new PushFailed(error, isMoved ? { overtaken: `${branch} was moved by somebody else` } : 'not done')
  }
}

/** Git says that a push failed, and the server said what became of it. */
class PushFailed extends Error {
  override readonly name = 'PushFailed'
  readonly fate: Fate

  constructor(cause: unknown, fate: Fate) {
    super(sentenceOf(cause), { cause })
    this.fate = fate
  }
}

const fateOf = (error: unknown): Fate => (error instanceof PushFailed ? error.fate : 'unknown')

/** The clone stands where the server stands; files that were changed since the approval stay as they are. */
async function settleClone(
  tools: GitTools,
  clone: Clone,
  { commit, branch }: { commit: string; branch: string },
  signal: AbortSignal,
): Promise<void> {
  await run(tools, clone, signal, 'update-ref', `refs/heads/${branch}`, commit)
  await run(tools, clone, signal, 'update-ref', `refs/remotes/origin/${branch}`, commit)
  await run(tools, clone, signal, 'symbolic-ref', 'HEAD', `refs/heads/${branch}`)
}

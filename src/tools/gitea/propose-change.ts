import { createHash } from 'node:crypto'
import { createTwoFilesPatch } from 'diff'
import * as z from 'zod'
import { sentenceOf } from '../../text/sentence.ts'
import { fileParts } from '../git/file-path.ts'
import { type ChangeTool, defineChange, Refusal } from '../tool.ts'
import { repositoryTarget, request, sendToGitea, warnings, writable } from './change.ts'
import type { Gitea } from './client.ts'
import { branchHead } from './create-pull.ts'
import { GiteaError } from './errors.ts'
import { readEntry, textOf } from './files.ts'
import * as input from './inputs.ts'
import { short } from './lines.ts'
import { inRepository, type RepositoryName } from './paths.ts'
import { Pull } from './pulls.ts'

const mostFiles = 30
const mostBytes = 512 * 1024

const Files = z.preprocess(
  // People give JSON in a command, and so do some models.
  (value) => {
    try {
      return typeof value === 'string' ? JSON.parse(value) : value
    } catch {
      return value
    }
  },
  z
    .array(z.object({ path: z.string(), content: z.string().nullable().describe('Whole file; null deletes') }))
    .refine((files) => files.length > 0 && files.length <= mostFiles, `must be 1 to ${mostFiles} files`),
)

interface Edit {
  path: string
  before: string | undefined
  after: string | undefined
  sha: string
}

export function proposeChange(gitea: Gitea): ChangeTool {
  return defineChange({
    name: 'gitea_propose_change',
    description: 'Change files in one commit on a new branch and open a pull request (needs approval).',
    input: z.object({
      owner: input.owner,
      repo: input.repo,
      title: input.title,
      body: input.longText,
      files: Files,
      base: input.optionalBranch,
    }),
    effect: 'change',
    scopes: ['write:repository'],
    summary: ({ owner, repo, title, files }) =>
      `propose ${JSON.stringify(title.slice(0, 100))} in ${owner}/${repo} (${files.length} ${files.length === 1 ? 'file' : 'files'})`,
    target: repositoryTarget,
    async preflight({ owner, repo, title, body = '', files, base: given }, { signal }) {
      const name = { owner, repo }
      const found = await writable(gitea, name, signal)
      if (found.empty) throw new Refusal(`${found.full_name} is empty: there is nothing to propose a change to.`)
      const base = given ?? found.default_branch
      const edits = await editsOf(gitea, name, files, base, signal)
      const diff = edits.map(diffOf).join('')
      if (Buffer.byteLength(diff) > mostBytes)
        throw new Refusal('The change is too large to be shown for approval. Propose it in parts.')
      const branch = branchFor(title, edits)
      if (await branchHead(gitea, name, branch, signal))
        throw new Refusal(`Branch ${branch} exists: this very change was proposed before.`)

      const commit = {
        branch: base,
        new_branch: branch,
        message: body ? `${title}\n\n${body}` : title,
        files: edits.map(operation),
      }
      const shown = {
        ...commit,
        files: edits.map(({ path, before, after }) => ({ path, operation: operationName(before, after) })),
      }
      return {
        request: request('POST', inRepository(name, '/contents'), commit),
        shown: JSON.stringify(shown, null, 1),
        diff,
        affects: [
          `then opens a pull request, ${branch} -> ${base}: ${title}${body ? `. ${body}` : ''}`,
          ...warnings(edits.map(({ path }) => path)),
        ],
        version: `${found.id}/${base}/${edits.map(({ sha }) => sha).join(',')}`,
        watch: 'none' as const,
        branch: { repository: found.id, name: branch },
      }
    },
    async run({ owner, repo, title, body = '' }, approved, { signal }) {
      const name = { owner, repo }
      const Commit = z.object({ commit: z.object({ sha: z.string() }) })
      const made = Commit.parse(await sendToGitea(gitea, inRepository(name, '/contents'), approved, signal))
      const { branch: base, new_branch: head } = JSON.parse(approved.request.body) as Record<string, string>
      const committed = `Commit ${short(made.commit.sha)} is on the new branch ${head}`
      try {
        const opened = await gitea.send(
          request('POST', inRepository(name, '/pulls'), { title, body, head, base }),
          signal,
        )
        const pull = Pull.parse(opened)
        return `${committed}, and pull request #${pull.number} was opened: ${pull.html_url}`
      } catch (error) {
        const reason = sentenceOf(error)
        throw new Error(
          `${committed}, but the pull request could not be opened: ${reason} gitea_create_pull tries it again.`,
          { cause: error },
        )
      }
    },
  })
}

async function editsOf(
  gitea: Gitea,
  name: RepositoryName,
  files: { path: string; content: string | null }[],
  base: string,
  signal: AbortSignal,
): Promise<Edit[]> {
  if (new Set(files.map(({ path }) => path)).size < files.length) throw new Refusal('Each file may be named once.')
  // A path that leads out of the repository shows the server's own folders in its error.
  for (const { path } of files) fileParts(path)
  const edits = await Promise.all(
    files.map(async ({ path, content }) => {
      const file = await present(gitea, name, path, base, signal)
      return { path, before: file && textOf(file), after: content ?? undefined, sha: file?.sha ?? '' }
    }),
  )
  const missing = edits.find(({ before, after }) => before === undefined && after === undefined)
  if (missing) throw new Refusal(`${missing.path} is not in ${base}, so it cannot be deleted.`)
  const changed = edits.filter(({ before, after }) => before !== after)
  if (changed.length === 0) throw new Refusal(`This would change nothing: ${base} has exactly these contents.`)
  return changed
}

async function present(gitea: Gitea, name: RepositoryName, path: string, base: string, signal: AbortSignal) {
  try {
    return await readEntry(gitea, name, path, base, signal)
  } catch (error) {
    if (error instanceof GiteaError && error.status === 404) return undefined
    throw error
  }
}

const operationName = (before: string | undefined, after: string | undefined) =>
  before === undefined ? 'create' : after === undefined ? 'delete' : 'update'

const operation = ({ path, before, after, sha }: Edit) => ({
  operation: operationName(before, after),
  path,
  ...(after !== undefined && { content: Buffer.from(after).toString('base64') }),
  ...(sha && { sha }),
})

const diffOf = ({ path, before, after }: Edit): string =>
  createTwoFilesPatch(
    before === undefined ? '/dev/null' : `a/${path}`,
    after === undefined ? '/dev/null' : `b/${path}`,
    before ?? '',
    after ?? '',
  ).replace(/^=+\n/, '')

/** The same change has the same branch, so that it cannot be proposed twice unseen. */
function branchFor(title: string, edits: Edit[]): string {
  const words = title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 40)
  const hash = createHash('sha256').update(JSON.stringify(edits)).digest('hex').slice(0, 8)
  return `kube-agent/${words ? `${words}-` : ''}${hash}`.replaceAll(/-{2,}/g, '-')
}

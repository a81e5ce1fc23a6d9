import * as z from 'zod'
import { fileParts } from '../git/file-path.ts'
import { defineRead, type ReadTool } from '../tool.ts'
import type { Gitea } from './client.ts'
import * as input from './inputs.ts'
import { facts, firstLine, short, tabled, time } from './lines.ts'
import { encodedRef, inRepository, type RepositoryName } from './paths.ts'
import { inExisting } from './repositories.ts'

const Signature = z.object({ name: z.string().catch(''), email: z.string().catch(''), date: z.string().nullish() })
const Files = z
  .array(z.object({ filename: z.string(), status: z.string().catch('') }))
  .nullish()
  .transform((files) => files ?? [])

export type Commit = z.output<typeof Commit>
export const Commit = z.object({
  sha: z.string(),
  html_url: z.string().catch(''),
  commit: z.object({ message: z.string().catch(''), author: Signature }),
  parents: z.array(z.object({ sha: z.string() })).catch([]),
  files: Files,
})
const Comparison = z.object({
  total_commits: z.number(),
  commits: z
    .array(Commit)
    .nullish()
    .transform((list) => list ?? []),
})

// What is slow for the server and not shown.
const plain = { stat: false, verification: false, files: false }
const mostDiffBytes = 1024 * 1024

export function listCommits(gitea: Gitea): ReadTool {
  return defineRead({
    name: 'gitea_list_commits',
    description: 'Commits of a branch, newest first; path: only those that touch it.',
    input: z.object({
      owner: input.owner,
      repo: input.repo,
      ref: input.optionalBranch,
      path: input.text,
      limit: input.optionalInteger(1, 200),
    }),
    scopes: ['read:repository'],
    summary: ({ owner, repo, ref, path }) =>
      `commits of ${owner}/${repo}${ref ? ` ${ref}` : ''}${path ? `, ${path}` : ''}`,
    async run({ owner, repo, ref, path, limit = 30 }, { signal, maxBytes }) {
      if (path !== undefined) fileParts(path)
      const { items, more } = await inExisting(gitea, { owner, repo }, signal, () =>
        gitea.list(inRepository({ owner, repo }, '/commits'), Commit, {
          signal,
          query: { ...plain, sha: ref, path },
          limit,
        }),
      )
      return tabled(['COMMIT', 'TIME', 'AUTHOR', 'TITLE'], items.map(row), {
        empty: 'No commits.',
        rest: 'Ask with a larger limit or a path.',
        more,
        maxBytes,
      })
    },
  })
}

const row = ({ sha, commit }: Commit): string[] => [
  short(sha),
  time(commit.author.date),
  commit.author.name,
  firstLine(commit.message),
]

export function getCommit(gitea: Gitea): ReadTool {
  return defineRead({
    name: 'gitea_get_commit',
    description: 'One commit with its diff.',
    input: z.object({ owner: input.owner, repo: input.repo, sha: input.sha }),
    scopes: ['read:repository'],
    summary: ({ owner, repo, sha }) => `commit ${short(sha)} of ${owner}/${repo}`,
    async run({ owner, repo, sha }, { signal, maxBytes }) {
      const at = inRepository({ owner, repo }, `/git/commits/${sha}`)
      const [found, diff] = await inExisting(
        gitea,
        { owner, repo },
        signal,
        () =>
          Promise.all([
            gitea.get(at, Commit, { signal, query: { stat: false, verification: false, files: true } }),
            gitea.text(`${at}.diff`, { signal, maxBytes: mostDiffBytes }).catch(() => undefined),
          ]),
        `Commit ${sha}`,
      )
      const { commit, parents, files } = found
      return facts(
        [
          `commit ${found.sha}`,
          `author ${commit.author.name} <${commit.author.email}>, ${time(commit.author.date)}`,
          `parents ${parents.map((parent) => short(parent.sha)).join(' ') || 'none'}`,
          commit.message.trim(),
          files.length > 0 && `files: ${filesLine(files)}`,
        ],
        maxBytes,
        diff?.text ?? 'The diff is too large to be shown, or cannot be read.',
      )
    },
  })
}

const filesLine = (files: Commit['files']): string => {
  const shown = files
    .slice(0, 50)
    .map(({ filename, status }) => (status === 'modified' ? filename : `${filename} (${status})`))
  return `${shown.join(', ')}${files.length > shown.length ? ` and ${files.length - shown.length} more` : ''}`
}

export function compare(gitea: Gitea): ReadTool {
  return defineRead({
    name: 'gitea_compare',
    description: 'Commits that head has and base has not.',
    input: z.object({ owner: input.owner, repo: input.repo, base: input.branch, head: input.branch }),
    scopes: ['read:repository'],
    summary: ({ owner, repo, base, head }) => `${owner}/${repo} ${base}...${head}`,
    async run({ owner, repo, base, head }, { signal, maxBytes }) {
      const found = await comparison(gitea, { owner, repo }, { base, head }, signal)
      if (found.total_commits === 0) return `${head} has no commits that ${base} has not.`
      const files = [
        ...new Map(found.commits.flatMap((one) => one.files).map((file) => [file.filename, file])).values(),
      ]
      const { compareDiff } = await gitea.features(signal)
      const path = `${comparePath({ owner, repo }, { base, head })}?output=diff`
      const diff = compareDiff
        ? await gitea.text(path, { signal, maxBytes: mostDiffBytes }).catch(() => undefined)
        : undefined
      const commits = tabled(['COMMIT', 'TIME', 'AUTHOR', 'TITLE'], found.commits.map(row), {
        empty: '',
        rest: 'Compare a shorter range.',
        maxBytes: maxBytes * 0.6,
      })
      return facts(
        [
          `${found.total_commits} commits in ${head} that are not in ${base}`,
          commits,
          files.length > 0 && `files: ${filesLine(files)}`,
          !diff && 'For the changes see gitea_get_commit.',
        ],
        maxBytes,
        diff?.text,
      )
    },
  })
}

export function comparison(
  gitea: Gitea,
  name: RepositoryName,
  { base, head }: { base: string; head: string },
  signal: AbortSignal,
): Promise<z.output<typeof Comparison>> {
  const read = () => gitea.get(comparePath(name, { base, head }), Comparison, { signal })
  return inExisting(gitea, name, signal, read, `${base} or ${head}`)
}

const comparePath = (name: RepositoryName, { base, head }: { base: string; head: string }): string =>
  inRepository(name, `/compare/${encodedRef(base)}...${encodedRef(head)}`)

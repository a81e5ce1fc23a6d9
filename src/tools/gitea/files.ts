import * as z from 'zod'
import { cutLines } from '../output.ts'
import { defineRead, type ReadTool, Refusal } from '../tool.ts'
import type { Gitea } from './client.ts'
import * as input from './inputs.ts'
import { tabled } from './lines.ts'
import { encodedFile, encodedRef, inRepository, type RepositoryName } from './paths.ts'
import { inExisting, readRepository } from './repositories.ts'

export type Entry = z.output<typeof Entry>
const Entry = z.object({
  name: z.string(),
  path: z.string(),
  sha: z.string().catch(''),
  type: z.string(),
  size: z.number().nullish(),
  content: z.string().nullish(),
  target: z.string().nullish(),
})
const Tree = z.object({
  tree: z.array(z.object({ path: z.string(), type: z.string(), size: z.number().nullish() })),
  truncated: z.boolean().catch(false),
  total_count: z.number().catch(0),
})

export function readFile(gitea: Gitea): ReadTool {
  return defineRead({
    name: 'gitea_read_file',
    description: 'A text file of a repository.',
    input: z.object({
      owner: input.owner,
      repo: input.repo,
      path: z.string(),
      ref: input.optionalBranch,
      line: input.optionalInteger(1, 10_000_000).describe('First line'),
    }),
    scopes: ['read:repository'],
    summary: ({ owner, repo, path, ref }) => `${owner}/${repo}/${path}${ref ? ` at ${ref}` : ''}`,
    async run({ owner, repo, path, ref, line = 1 }, { signal, maxBytes }) {
      const file = await readEntry(gitea, { owner, repo }, path, ref, signal)
      return numbered(textOf(file), { line, maxBytes })
    },
  })
}

export function listFiles(gitea: Gitea): ReadTool {
  return defineRead({
    name: 'gitea_list_files',
    description: 'Files of a folder; with match: of the whole repository.',
    input: z.object({
      owner: input.owner,
      repo: input.repo,
      path: input.text,
      ref: input.optionalBranch,
      match: input.text,
    }),
    scopes: ['read:repository'],
    summary: ({ owner, repo, path, match }) =>
      `files of ${owner}/${repo}${path ? `/${path}` : ''}${input.matching(match)}`,
    async run({ owner, repo, path = '', ref, match }, { signal, maxBytes }) {
      const folder = path.replace(/^\/+|\/+$/g, '')
      const files =
        match === undefined
          ? await folderOf(gitea, { owner, repo }, folder, ref, signal)
          : await wholeTree(gitea, { owner, repo }, folder, ref, signal)
      const rows = files.entries.map(({ path, type, size }) => [
        isFolder(type) ? `${path}/` : path,
        isFolder(type) ? '' : String(size ?? ''),
        ['file', 'blob', 'dir', 'tree'].includes(type) ? '' : type,
      ])
      return tabled(['PATH', 'BYTES', ''], rows, {
        empty: `${owner}/${repo} has no files there.`,
        rest: 'Name a folder or narrow down with match.',
        more: files.more,
        match,
        maxBytes,
      })
    },
  })
}

const isFolder = (type: string): boolean => type === 'dir' || type === 'tree'

type Listed = { entries: { path: string; type: string; size?: number | null | undefined }[]; more: boolean }

async function folderOf(
  gitea: Gitea,
  name: RepositoryName,
  folder: string,
  ref: string | undefined,
  signal: AbortSignal,
): Promise<Listed> {
  const rest = folder === '' ? '/contents' : `/contents/${encodedFile(folder)}`
  const Found = z.union([z.array(Entry), Entry])
  const found = await inExisting(
    gitea,
    name,
    signal,
    () => gitea.get(inRepository(name, rest), Found, { signal, query: { ref } }),
    placed(folder, ref),
  )
  return { entries: Array.isArray(found) ? found : [found], more: false }
}

async function wholeTree(
  gitea: Gitea,
  name: RepositoryName,
  folder: string,
  ref: string | undefined,
  signal: AbortSignal,
): Promise<Listed> {
  const at = ref ?? (await readRepository(gitea, name, signal)).default_branch
  const path = inRepository(name, `/git/trees/${encodedRef(at)}`)
  const read = () => gitea.get(path, Tree, { signal, query: { recursive: true, per_page: 1000 } })
  const { tree, truncated } = await inExisting(gitea, name, signal, read, at)
  const files = tree.filter(({ type, path }) => type !== 'tree' && (folder === '' || path.startsWith(`${folder}/`)))
  return { entries: files, more: truncated }
}

const placed = (path: string, ref: string | undefined): string =>
  `${path || 'The root folder'}${ref ? ` at ${ref}` : ''}`

/** A file with its content and the hash of it; what is no file is refused. */
export async function readEntry(
  gitea: Gitea,
  name: RepositoryName,
  path: string,
  ref: string | undefined,
  signal: AbortSignal,
): Promise<Entry> {
  const at = inRepository(name, `/contents/${encodedFile(path)}`)
  const read = () => gitea.get(at, z.union([z.array(Entry), Entry]), { signal, query: { ref } })
  const found = await inExisting(gitea, name, signal, read, placed(path, ref))
  if (Array.isArray(found)) throw new Refusal(`${path} is a folder. See gitea_list_files.`)
  if (found.type === 'symlink') throw new Refusal(`${path} is a symbolic link to ${found.target}.`)
  if (found.type !== 'file') throw new Refusal(`${path} is a ${found.type}, not a file.`)
  return found
}

/** The content as text. Files that are too large or not text are refused. */
export function textOf({ path, content, size }: Entry): string {
  if (content === null || content === undefined) {
    if (size === 0) return ''
    throw new Refusal(`${path} is too large to be read here (${size} bytes).`)
  }
  const bytes = Buffer.from(content, 'base64')
  if (bytes.includes(0)) throw new Refusal(`${path} is no text (${bytes.length} bytes).`)
  return bytes.toString('utf8')
}

/** A part of a text that fits, from a line on, with how to get the rest. */
export function numbered(text: string, { line, maxBytes }: { line: number; maxBytes: number }): string {
  if (text === '') return 'The file is empty.'
  const lines = text.replace(/\n$/, '').split('\n')
  if (line > lines.length) return `The file has ${lines.length} lines.`
  const wanted = lines.slice(line - 1)
  const kept = cutLines(wanted, maxBytes - 80)
  const end = line - 1 + kept.length
  if (line === 1 && end === lines.length) return text
  return `Lines ${line} to ${end} of ${lines.length}${end < lines.length ? `; go on with line=${end + 1}` : ''}:\n${kept.join('\n')}`
}

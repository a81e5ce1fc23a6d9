import { mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as z from 'zod'
import type { Gitea } from '../gitea/client.ts'
import * as input from '../gitea/inputs.ts'
import { type RepositoryName, splitName } from '../gitea/paths.ts'
import { readRepository } from '../gitea/repositories.ts'
import { defineRead, type ReadTool, Refusal } from '../tool.ts'
import type { GitTools } from './index.ts'
import { bytesOf, type Clone, mebibytes } from './workspace.ts'

const cloneMs = 180_000

export function cloneRepository(tools: GitTools, pollMs = 500): ReadTool {
  const { gitea, git, workspace, mostBytes } = tools
  return defineRead({
    name: 'gitea_clone_repo',
    description: 'Clone a repository for this thread, to read and change its files with the file tools.',
    input: z.object({ repo_url: z.string().describe('Or owner/repo'), path: z.string(), branch: input.optionalBranch }),
    scopes: ['read:repository'],
    summary: ({ repo_url, path }) => `clone ${repo_url.replace(/^.*@/, '')} to ${path}`,
    async run({ repo_url, path, branch }, { signal, thread }) {
      const name = repositoryIn(repo_url, gitea)
      const found = await readRepository(gitea, name, signal)
      if (found.empty) throw new Refusal(`${found.full_name} is empty: there is nothing to clone.`)
      if (found.size * 1024 > mostBytes)
        throw new Refusal(
          `${found.full_name} takes ${mebibytes(found.size * 1024)}; at most ${mebibytes(mostBytes)} are cloned. Use gitea_read_file instead.`,
        )
      await workspace.makeRoom(found.size * 1024)
      const clone = workspace.place(thread, path)
      return workspace.alone(clone, async () => {
        const known = (await workspace.clones(thread)).find((one) => one.path === clone.path)
        if (known) return already(tools, known, signal)
        const nested = (await workspace.clones(thread)).find(
          (one) => clone.path.startsWith(`${one.path}/`) || one.path.startsWith(`${clone.path}/`),
        )
        if (nested) throw new Refusal(`${clone.path} and the clone at ${nested.path} would be inside of each other.`)
        const at = branch ?? found.default_branch
        await watched(clone, { signal, mostBytes, pollMs }, (watching) => {
          const url = `${gitea.url}/${name.owner}/${name.repo}.git`
          const options = ['--filter=blob:none', '--depth=50', '--single-branch', '--no-tags', `--branch=${at}`]
          return git(['clone', ...options, '--', url, clone.folder], {
            folder: dirname(clone.folder),
            signal: watching,
            ms: cloneMs,
          })
        })
        const head = (await git(['log', '-1', '--format=%h %s'], { folder: clone.folder, signal })).trim()
        return `${found.full_name} ${at} is cloned to ${clone.path}, at ${head}. Read it with file_list and file_read.`
      })
    },
  })
}

async function already({ git, gitea }: GitTools, clone: Clone, signal: AbortSignal): Promise<string> {
  const url = (await git(['config', '--get', 'remote.origin.url'], { folder: clone.folder, signal })).trim()
  return `${clone.path} is a clone of ${url.replace(`${gitea.url}/`, '')} already. gitea_git_pull brings it up to date; for another repository name another path.`
}

/** Only the repository's name is taken from an address that a model gives, and only when the address is our Gitea's. */
export function repositoryIn(given: string, { url }: Pick<Gitea, 'url'>): RepositoryName {
  const text = given
    .trim()
    .replace(/\.git\/?$/, '')
    .replace(/\/$/, '')
  if (/^[\w.-]+\/[\w.-]+$/.test(text)) return splitName(text)
  const ours = new URL(url)
  const [, host, path] = /^(?:ssh:\/\/)?git@([^/:]+)(?::\d+)?[:/](.+)$/.exec(text) ?? []
  if (host === ours.hostname && path) return named(path, given)
  if (!URL.canParse(text))
    throw new Refusal(`${JSON.stringify(given.slice(0, 100))} is no repository: give owner/repo.`)
  const asked = new URL(text)
  const base = ours.pathname.replace(/\/$/, '')
  if (asked.hostname !== ours.hostname || !asked.pathname.startsWith(`${base}/`))
    throw new Refusal(`Only repositories of ${ours.host} can be cloned: give owner/repo.`)
  return named(asked.pathname.slice(base.length + 1), given)
}

function named(path: string, given: string): RepositoryName {
  try {
    return splitName(path)
  } catch {
    throw new Refusal(`${JSON.stringify(given.slice(0, 100))} is no repository: give owner/repo.`)
  }
}

/** Ends the work when the folder grows too large; whatever goes wrong, nothing is left behind. */
async function watched(
  clone: Clone,
  { signal, mostBytes, pollMs }: { signal: AbortSignal; mostBytes: number; pollMs: number },
  work: (signal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  await mkdir(dirname(clone.folder), { recursive: true, mode: 0o700 })
  const tooLarge = new AbortController()
  const look = async () => {
    if ((await bytesOf(clone.folder)) > mostBytes) tooLarge.abort()
  }
  const timer = setInterval(() => void look(), pollMs)
  try {
    await work(AbortSignal.any([signal, tooLarge.signal]))
    await look()
    tooLarge.signal.throwIfAborted()
  } catch (error) {
    await rm(clone.folder, { recursive: true, force: true })
    if (tooLarge.signal.aborted)
      throw new Refusal(`The clone grew beyond ${mebibytes(mostBytes)}. Use gitea_read_file instead.`)
    throw error
  } finally {
    clearInterval(timer)
  }
}

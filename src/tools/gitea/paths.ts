import { isName } from '../../repository.ts'
import { fileParts } from '../git/file-path.ts'

export interface RepositoryName {
  owner: string
  repo: string
}

/** `acme/shop` as two names that are safe in a path. */
export function splitName(fullName: string): RepositoryName {
  const [owner = '', repo = '', ...rest] = fullName.split('/')
  if (!isName(owner) || !isName(repo) || rest.length > 0)
    throw new Error(`${JSON.stringify(fullName)} is no repository name (owner/name).`)
  return { owner, repo }
}

/** `/api/v1/repos/acme/shop` and what follows. The names were checked; the rest is encoded by its maker. */
export function inRepository({ owner, repo }: RepositoryName, rest = ''): string {
  splitName(`${owner}/${repo}`)
  return `/api/v1/repos/${owner}/${repo}${rest}`
}

export const isHash = (text: string): boolean => /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text)

export function commitHash(commit: string): string {
  if (!isHash(commit)) throw new Error(`${JSON.stringify(commit)} is no commit.`)
  return commit
}

/** Whether a text can name a branch without meaning anything else to git, a shell or an address. */
export function isBranch(name: string): boolean {
  return (
    /^[A-Za-z0-9._/-]{1,100}$/.test(name) &&
    !/^[-/]|[/.]$|\.lock$|\.\.|\/\/|^refs\//.test(name) &&
    !name.split('/').some((part) => part.startsWith('.') || part.endsWith('.lock')) &&
    name !== 'HEAD'
  )
}

export const encodedFile = (path: string): string => fileParts(path).map(encodeURIComponent).join('/')

/** A branch or tag in a path: its slashes are part of it. */
export const encodedRef = (ref: string): string => ref.split('/').map(encodeURIComponent).join('/')

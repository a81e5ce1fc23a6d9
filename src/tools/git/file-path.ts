import { Refusal } from '../tool.ts'

/** A file's path inside a repository, as its parts: nothing in it leads out or into `.git`. */
export function fileParts(path: string): string[] {
  const parts = path.split('/')
  const isWrong = (part: string) =>
    ['', '.', '..'].includes(part) || isGitFolder(part) || part.includes('\\') || /\p{Cc}/u.test(part)
  if (path.length > 500 || parts.some(isWrong))
    throw new Refusal(`${JSON.stringify(path.slice(0, 100))} is no path of a file in a repository.`)
  return parts
}

/** `.git` in all spellings that some file system takes for it. */
export const isGitFolder = (part: string): boolean =>
  /^(\.git|git~\d+)$/i.test(
    part
      .normalize('NFKC')
      .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
      .replace(/[. ]+$/, '')
      .replace(/:.*$/, ''),
  )

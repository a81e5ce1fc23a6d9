import { Refusal } from '../tool.ts'
import type { Git } from './git.ts'
import type { Clone } from './workspace.ts'

/** What a clone's files are now, beside the commit that they come from. */
export interface Changes {
  branch: string
  /** The commit that the files come from. */
  parent: string
  /** The tree of the files as they are, in the clone's store. */
  tree: string
  files: ChangedFile[]
}

export interface ChangedFile {
  path: string
  status: 'added' | 'deleted' | 'changed'
  isBinary: boolean
}

const diffOptions = ['--no-color', '--no-ext-diff', '--no-textconv', '--no-renames']

export async function changesOf(git: Git, { folder }: Clone, signal: AbortSignal): Promise<Changes> {
  const run = (...args: string[]) => git(args, { folder, signal })
  await run('add', '--all')
  const [branch = '', parent = '', tree = ''] = await Promise.all([
    run('symbolic-ref', '--quiet', '--short', 'HEAD'),
    run('rev-parse', '--verify', '--quiet', '--end-of-options', 'HEAD^{commit}'),
    run('write-tree'),
  ]).then((lines) => lines.map((line) => line.trim()))
  const [numbers = '', names = ''] = await Promise.all(
    ['--numstat', '--name-status'].map((what) => run('diff-tree', '-r', '-z', what, '--no-renames', parent, tree)),
  )
  const binary = new Set(numbers.split('\0').flatMap((line) => (line.startsWith('-\t-\t') ? [line.slice(4)] : [])))
  return { branch, parent, tree, files: filesIn(names, binary) }
}

function filesIn(names: string, binary: Set<string>): ChangedFile[] {
  const fields = names.split('\0').filter(Boolean)
  const files: ChangedFile[] = []
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [letter, path = ''] = [fields[index], fields[index + 1]]
    const status = letter === 'A' ? 'added' : letter === 'D' ? 'deleted' : 'changed'
    files.push({ path, status, isBinary: binary.has(path) })
  }
  return files
}

/** The whole difference as people read it. What is too large is refused, for it could not be shown. */
export async function diffOf(
  git: Git,
  { folder }: Clone,
  { parent, tree }: Pick<Changes, 'parent' | 'tree'>,
  { signal, maxBytes }: { signal: AbortSignal; maxBytes: number },
): Promise<string> {
  const text = await git(['diff', ...diffOptions, '--full-index', parent, tree], {
    folder,
    signal,
    maxBytes: maxBytes * 4,
  })
  if (Buffer.byteLength(text) > maxBytes)
    throw new Refusal(`The difference is larger than ${Math.round(maxBytes / 1024)} KiB and cannot be shown in full.`)
  return text
}

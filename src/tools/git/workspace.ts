import { createHash } from 'node:crypto'
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises'
import { join, normalize } from 'node:path'
import { Refusal } from '../tool.ts'

/** A clone that belongs to one thread. */
export interface Clone {
  /** Where people and models say that it is, such as `/tmp/charts`. */
  path: string
  /** Where it really is. */
  folder: string
}

/**
 * Where clones live: each thread has a folder of its own below the data directory, so that two threads that clone to `/tmp/charts` do
 * not share a work tree.
 */
export interface Workspace {
  /** Where a clone with this path is or would be. The path has to be below one of the roots. */
  place(thread: string, path: string): Clone
  /** The clone of this thread at this very path. */
  open(thread: string, path: string): Promise<Clone>
  /** The clones of this thread. */
  clones(thread: string): Promise<Clone[]>
  /** Works on a clone one after another. */
  alone<Result>(clone: Clone, work: () => Promise<Result>): Promise<Result>
  /** Makes room: what no thread has used for a week goes. Throws `Refusal` when there is too little left. */
  makeRoom(bytes: number): Promise<void>
  remove(thread: string): Promise<void>
}

export interface WorkspaceOptions {
  /** Made when it is missing. */
  folder: string
  /** Folders that paths may name; the first is where relative ones begin. */
  roots: string[]
  /** All clones together; 4 GiB. */
  mostBytes?: number
  now?: () => number
}

const idleMs = 7 * 24 * 60 * 60_000

export function createWorkspace({
  folder,
  roots,
  mostBytes = 4 * 1024 ** 3,
  now = Date.now,
}: WorkspaceOptions): Workspace {
  const waiting = new Map<string, Promise<unknown>>()
  const threadFolder = (thread: string) => join(folder, createHash('sha256').update(thread).digest('hex').slice(0, 32))

  const place: Workspace['place'] = (thread, given) => {
    const path = absolute(given, roots)
    // One folder a clone, whatever the path; nothing of the path but its letters is left in it.
    const name = encodeURIComponent(path).replaceAll('.', '%2E')
    if (name.length > 200) throw new Refusal('The path is too long.')
    return { path, folder: join(threadFolder(thread), name) }
  }

  const clones: Workspace['clones'] = async (thread) => {
    const names = await readdir(threadFolder(thread)).catch(() => [])
    return names.map((name) => ({ path: decodeURIComponent(name), folder: join(threadFolder(thread), name) }))
  }

  return {
    place,
    clones,
    async open(thread, path) {
      const clone = place(thread, path)
      if (!(await exists(join(clone.folder, '.git')))) {
        const there = (await clones(thread)).map((one) => one.path)
        throw new Refusal(
          `There is no clone at ${clone.path} in this thread. Clones: ${there.join(', ') || 'none; see gitea_clone_repo'}.`,
        )
      }
      await utimes(threadFolder(thread), now() / 1000, now() / 1000)
      return clone
    },
    async alone(clone, work) {
      const before = waiting.get(clone.folder) ?? Promise.resolve()
      const mine = before.then(work, work)
      const settled = mine.catch(() => undefined)
      waiting.set(clone.folder, settled)
      await settled
      if (waiting.get(clone.folder) === settled) waiting.delete(clone.folder)
      return mine
    },
    async makeRoom(bytes) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const name of await readdir(folder)) {
        const { mtimeMs } = await stat(join(folder, name))
        if (now() - mtimeMs > idleMs) await rm(join(folder, name), { recursive: true, force: true })
      }
      const used = await bytesOf(folder)
      if (used + bytes > mostBytes)
        throw new Refusal(
          `There is no room for this clone: clones take ${mebibytes(used)} of ${mebibytes(mostBytes)}. Use gitea_read_file instead.`,
        )
    },
    remove: (thread) => rm(threadFolder(thread), { recursive: true, force: true }),
  }
}

/** A path as a full one below a root, without detours. */
export function absolute(given: string, roots: string[]): string {
  if (given === '' || given.length > 1_000 || /\p{Cc}/u.test(given)) throw new Refusal('That is no path.')
  if (given.split('/').includes('..')) throw new Refusal('A path must not contain "..".')
  const path = normalize(given.startsWith('/') ? given : join(roots[0] ?? '/', given)).replace(/(.)\/+$/, '$1')
  if (!roots.some((root) => path.startsWith(`${root}/`)))
    throw new Refusal(`${path} is outside of what may be touched: ${roots.join(', ')}.`)
  return path
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** What a folder takes, in bytes. What vanishes meanwhile counts nothing. */
export async function bytesOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  let bytes = 0
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) bytes += await bytesOf(path)
    else if (entry.isFile()) bytes += (await stat(path).catch(() => ({ size: 0 }))).size
  }
  return bytes
}

export const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 1024 / 1024)} MiB`

import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { isGitFolder } from '../git/file-path.ts'
import { absolute, type Clone, type Workspace } from '../git/workspace.ts'
import { Refusal } from '../tool.ts'

/** What the file tools may touch. */
export interface FileRoots {
  /** Absolute, without a slash at the end; the first is where relative paths begin. */
  roots: string[]
  /** Clones of a thread stand where the thread says they are, and are only seen by it. */
  workspace: Workspace
  /** Never entered, wherever it is: the bot's own data. */
  dataDir: string
}

/** A path that was judged by its letters alone. What is behind it is judged while it is opened. */
export interface Place {
  /** The whole path, as it is told to people. */
  path: string
  /** The folder that nothing leads out of. */
  root: string
  /** What follows it; empty for the root itself. */
  parts: string[]
}

/** Where a path of this thread leads: into one of its clones, or below a root. Throws `Refusal` with what would be allowed. */
export async function placeOf({ roots, workspace }: FileRoots, thread: string, given: string): Promise<Place> {
  const trimmed = given.replace(/(.)\/+$/, '$1')
  if (roots.includes(trimmed)) return { path: trimmed, root: trimmed, parts: [] }
  const path = absolute(trimmed, roots)
  const clone = (await workspace.clones(thread)).find((one) => path === one.path || path.startsWith(`${one.path}/`))
  const place = clone ? inClone(path, clone) : inRoot(path, roots)
  if (place.parts.some(isGitFolder)) throw new Refusal(`${path}: what git keeps for itself is not touched.`)
  return place
}

const inClone = (path: string, clone: Clone): Place => ({
  path,
  root: clone.folder,
  parts: path.slice(clone.path.length).split('/').filter(Boolean),
})

function inRoot(path: string, roots: string[]): Place {
  const root = roots.find((one) => path.startsWith(`${one}/`)) ?? ''
  const parts = path.slice(root.length).split('/').filter(Boolean)
  // Keys, logins and start-up files of the account have such names.
  if (parts.some((part) => part.startsWith('.')))
    throw new Refusal(`${path}: hidden files and folders are not touched.`)
  return { path, root, parts }
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants

/** A path below an open folder: it stays with that very folder, whatever happens to names meanwhile. */
export const below = (folder: FileHandle, name: string): string => `/proc/self/fd/${folder.fd}/${name}`

/**
 * Opens the folder of these parts, one after the other and never through a symbolic link, so that nothing can be exchanged between the
 * check and the use. `make` is called where one is missing.
 */
export async function openFolder(
  place: Place,
  parts: string[],
  { dataDir }: Pick<FileRoots, 'dataDir'>,
  make?: (path: string) => Promise<unknown>,
): Promise<FileHandle> {
  const own = await stat(dataDir, { bigint: true }).catch(() => undefined)
  const refuseOwn = async (opened: FileHandle) => {
    const { dev, ino } = await opened.stat({ bigint: true })
    if (dev === own?.dev && ino === own.ino) throw new Refusal(`${place.path}: the bot's own data is not touched.`)
  }
  let folder = await open(place.root, O_RDONLY | O_DIRECTORY).catch((error: unknown) => {
    throw failure(error, place.root)
  })
  try {
    await refuseOwn(folder)
    for (const part of parts) {
      const path = below(folder, part)
      const next = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT' || !make) throw failure(error, place.path)
        await make(path)
        return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      })
      await folder.close()
      folder = next
      await refuseOwn(folder)
    }
    return folder
  } catch (error) {
    await folder.close()
    throw error
  }
}

/** Opens a regular file for reading: no link, no device, no pipe. */
export async function openFile(folder: FileHandle, name: string, path: string): Promise<FileHandle> {
  const file = await open(below(folder, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
    throw failure(error, path)
  })
  try {
    const found = await file.stat()
    if (found.isDirectory()) throw new Refusal(`${path} is a folder. See file_list.`)
    if (!found.isFile()) throw new Refusal(`${path} is no ordinary file.`)
    if (found.nlink > 1) throw new Refusal(`${path} is the same file as another one elsewhere (a hard link).`)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/** What the system says, in words. */
export function failure(error: unknown, path: string): Error {
  const { code } = error as NodeJS.ErrnoException
  const sentences: Record<string, string> = {
    ENOENT: `${path} does not exist.`,
    ENOTDIR: `${path}: a part of it is a file or a symbolic link, not a folder.`,
    ELOOP: `${path} is a symbolic link; links are not followed.`,
    EACCES: `${path}: the bot has no permission.`,
    EPERM: `${path}: the bot has no permission.`,
    ENXIO: `${path} is no ordinary file.`,
  }
  const sentence = sentences[code ?? '']
  return sentence
    ? new Refusal(sentence, { cause: error })
    : new Error(`${path} cannot be used (${code ?? 'unknown'}).`, { cause: error })
}

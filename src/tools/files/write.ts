import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, rename, unlink } from 'node:fs/promises'
import { createTwoFilesPatch } from 'diff'
import * as z from 'zod'
import { sendApproved } from '../approved.ts'
import { warnings } from '../gitea/change.ts'
import { type ChangeTool, defineChange, type Preview, Refusal } from '../tool.ts'
import { contentOf, mostFileBytes } from './read.ts'
import { below, type FileRoots, failure, openFolder, type Place, placeOf } from './root.ts'

export function writeFile(roots: FileRoots): ChangeTool {
  return defineChange({
    name: 'file_write',
    description: 'Write a whole text file (needs approval).',
    input: z.object({ path: z.string(), content: z.string() }),
    effect: 'change',
    summary: ({ path }) => `write ${path}`,
    target: ({ path }) => ({ kind: 'File', name: path }),
    async preflight({ path, content }, { thread }): Promise<Preview> {
      const place = await placeOf(roots, thread, path)
      if (Buffer.byteLength(content) > mostFileBytes)
        throw new Refusal(`At most ${mostFileBytes / 1024} KiB are written.`)
      const before = await present(place, roots)
      if (before === content) throw new Refusal(`${place.path} has exactly this content.`)
      return {
        request: { method: 'write', path: place.path, contentType: 'text/plain', body: content },
        shown: `${Buffer.byteLength(content)} bytes, sha256 ${sha256(content)}`,
        diff: diffOf(place.path, before, content),
        affects: [
          before === undefined ? 'a new file' : 'the file as it was is gone',
          ...warnings([place.parts.join('/')]),
        ],
        version: before === undefined ? 'none' : sha256(before),
        watch: 'none',
      }
    },
    async run({ path }, approved, { thread }) {
      const place = await placeOf(roots, thread, path)
      const write = ({ body }: Preview['request']) => replace(place, roots, body)
      // The file is exchanged in one last step: what failed before it changed nothing.
      await sendApproved(approved, place.path, write, () => 'not done')
      return `${place.path} was written (${Buffer.byteLength(approved.request.body)} bytes).`
    },
  })
}

/** What is there now; nothing when the file, or a folder on the way, does not exist yet. */
async function present(place: Place, roots: FileRoots): Promise<string | undefined> {
  try {
    return (await contentOf(place, roots)).text
  } catch (error) {
    if (error instanceof Error && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT')
      return undefined
    throw error
  }
}

const diffOf = (path: string, before: string | undefined, after: string): string =>
  createTwoFilesPatch(before === undefined ? '/dev/null' : path, path, before ?? '', after).replace(/^=+\n/, '')

/** The new file takes the place of the old one in one step; readers see either. */
async function replace(place: Place, roots: FileRoots, content: string): Promise<void> {
  const name = place.parts.at(-1)
  if (name === undefined) throw new Refusal(`${place.path} is a folder.`)
  const folder = await openFolder(place, place.parts.slice(0, -1), roots, (path) => mkdir(path, { mode: 0o755 }))
  try {
    const mode = await replaceable(folder, name, place.path)
    const draft = below(folder, `.${name.slice(0, 100)}.${randomBytes(6).toString('hex')}`)
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    const file = await open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode)
    try {
      await file.writeFile(content)
      await file.chmod(mode)
      await file.sync()
      await rename(draft, below(folder, name))
    } catch (error) {
      await unlink(draft).catch(() => {})
      throw failure(error, place.path)
    } finally {
      await file.close()
    }
  } finally {
    await folder.close()
  }
}

/** The mode to write with. What is no ordinary file is not replaced. */
async function replaceable(folder: FileHandle, name: string, path: string): Promise<number> {
  const found = await lstat(below(folder, name)).catch(() => undefined)
  if (found && !found.isFile()) throw new Refusal(`${path} is no ordinary file, so it is not replaced.`)
  return found ? found.mode & 0o777 : 0o644
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

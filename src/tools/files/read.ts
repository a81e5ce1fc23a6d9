import * as z from 'zod'
import { numbered } from '../gitea/files.ts'
import { optionalInteger } from '../gitea/inputs.ts'
import { defineRead, type ReadTool, Refusal } from '../tool.ts'
import { type FileRoots, openFile, openFolder, type Place, placeOf } from './root.ts'

export const mostFileBytes = 1024 * 1024

export function readFile(roots: FileRoots): ReadTool {
  return defineRead({
    name: 'file_read',
    description: 'A text file.',
    input: z.object({ path: z.string(), line: optionalInteger(1, 10_000_000).describe('First line') }),
    summary: ({ path }) => path,
    async run({ path, line = 1 }, { thread, maxBytes }) {
      const { text } = await contentOf(await placeOf(roots, thread, path), roots)
      return numbered(text, { line, maxBytes })
    },
  })
}

/** The text of a file and its mode. Folders, links, devices, and what is too large or no text are refused. */
export async function contentOf(place: Place, roots: FileRoots): Promise<{ text: string; mode: number }> {
  const name = place.parts.at(-1)
  if (name === undefined) throw new Refusal(`${place.path} is a folder. See file_list.`)
  const folder = await openFolder(place, place.parts.slice(0, -1), roots)
  try {
    const file = await openFile(folder, name, place.path)
    try {
      // Read with a limit and not by its size: a file may grow.
      const buffer = Buffer.alloc(mostFileBytes + 1)
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
      if (bytesRead > mostFileBytes) throw new Refusal(`${place.path} is larger than ${mostFileBytes / 1024} KiB.`)
      const bytes = buffer.subarray(0, bytesRead)
      const text = bytes.toString('utf8')
      if (bytes.includes(0) || !Buffer.from(text).equals(bytes)) throw new Refusal(`${place.path} is no text.`)
      return { text, mode: (await file.stat()).mode & 0o777 }
    } finally {
      await file.close()
    }
  } finally {
    await folder.close()
  }
}

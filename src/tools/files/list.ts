import { lstat, readdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as z from 'zod'
import { tabled } from '../gitea/lines.ts'
import { defineRead, type ReadTool } from '../tool.ts'
import { below, type FileRoots, openFolder, placeOf } from './root.ts'

const mostEntries = 1_000

export function listFiles(roots: FileRoots): ReadTool {
  return defineRead({
    name: 'file_list',
    description: 'Files of a folder.',
    input: z.object({ path: z.string() }),
    summary: ({ path }) => path,
    async run({ path }, { thread, maxBytes }) {
      const place = await placeOf(roots, thread, path)
      const isClone = !roots.roots.includes(place.root)
      const folder = await openFolder(place, place.parts, roots)
      try {
        const names = (await readdir(below(folder, '.')))
          .filter((name) => (isClone ? name !== '.git' : !name.startsWith('.')))
          .sort()
        const rows = await Promise.all(names.slice(0, mostEntries).map((name) => row(below(folder, name), name)))
        const clones = (await roots.workspace.clones(thread)).filter((clone) => dirname(clone.path) === place.path)
        const cloned = clones.map((clone) => [`${clone.path.slice(place.path.length + 1)}/`, '', 'clone'])
        return tabled(['NAME', 'BYTES', ''], [...cloned, ...rows], {
          empty: `${place.path} is empty.`,
          rest: 'Name a folder below it.',
          more: names.length > mostEntries,
          maxBytes,
        })
      } finally {
        await folder.close()
      }
    },
  })
}

async function row(path: string, name: string): Promise<string[]> {
  const found = await lstat(path).catch(() => undefined)
  if (found?.isDirectory()) return [`${name}/`, '', '']
  if (found?.isFile()) return [name, String(found.size), '']
  return [name, '', found?.isSymbolicLink() ? 'link, not followed' : 'no ordinary file']
}

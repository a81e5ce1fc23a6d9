import * as z from 'zod'
import { firstLines } from '../output.ts'
import { defineRead, type ReadTool } from '../tool.ts'
import type { GitTools } from './index.ts'
import { changesOf, diffOf } from './tree.ts'

export function gitStatus({ git, workspace }: GitTools): ReadTool {
  return defineRead({
    name: 'gitea_git_status',
    description: 'What was changed in a clone of this thread.',
    input: z.object({ path: z.string() }),
    scopes: ['read:repository'],
    summary: ({ path }) => `status of ${path}`,
    async run({ path }, { signal, thread, maxBytes }) {
      const clone = await workspace.open(thread, path)
      return workspace.alone(clone, async () => {
        const changes = await changesOf(git, clone, signal)
        const head = (await git(['log', '-1', '--format=%h %s'], { folder: clone.folder, signal })).trim()
        const title = `${clone.path}: branch ${changes.branch} at ${head}`
        if (changes.files.length === 0) return `${title}\nNothing was changed.`
        const files = changes.files.map(({ path, status }) => `${status}: ${path}`).join('\n')
        const diff = await diffOf(git, clone, changes, { signal, maxBytes: 256 * 1024 }).catch(
          (error: Error) => error.message,
        )
        return firstLines(`${title}\n${files}\n\n${diff}`, maxBytes)
      })
    },
  })
}

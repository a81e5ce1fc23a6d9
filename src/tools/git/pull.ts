import * as z from 'zod'
import { defineRead, type ReadTool } from '../tool.ts'
import type { GitTools } from './index.ts'

export function gitPull({ git, workspace }: GitTools): ReadTool {
  return defineRead({
    name: 'gitea_git_pull',
    description: 'Bring a clone of this thread up to date.',
    input: z.object({ path: z.string() }),
    scopes: ['read:repository'],
    summary: ({ path }) => `pull ${path}`,
    async run({ path }, { signal, thread }) {
      const clone = await workspace.open(thread, path)
      return workspace.alone(clone, async () => {
        const run = (...args: string[]) => git(args, { folder: clone.folder, signal })
        const branch = (await run('symbolic-ref', '--quiet', '--short', 'HEAD')).trim()
        const before = (await run('rev-parse', 'HEAD')).trim()
        await run('fetch', '--no-tags', 'origin', `+refs/heads/${branch}:refs/remotes/origin/${branch}`)
        await run('merge', '--ff-only', '--no-edit', `refs/remotes/origin/${branch}`)
        const after = (await run('log', '-1', '--format=%H %h %s')).trim()
        const [hash = '', ...title] = after.split(' ')
        if (hash === before) return `${clone.path} is up to date: ${branch} at ${title.join(' ')}.`
        const files = (await run('diff-tree', '-r', '--name-status', '--no-renames', before, hash)).trim()
        return `${clone.path} is at ${title.join(' ')} now. Changed:\n${files}`
      })
    },
  })
}

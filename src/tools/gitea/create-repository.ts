import * as z from 'zod'
import { type ChangeTool, defineChange, Refusal } from '../tool.ts'
import { request, sendToGitea } from './change.ts'
import type { Gitea } from './client.ts'
import { GiteaError } from './errors.ts'
import * as input from './inputs.ts'
import { inRepository } from './paths.ts'
import { Repository } from './repositories.ts'

export function createRepository(gitea: Gitea): ChangeTool {
  return defineChange({
    name: 'gitea_create_repo',
    description: 'Create a repository (needs approval).',
    input: z.object({
      name: input.repo,
      description: input.text,
      private: input.flag.describe('Default: true'),
      owner: input.text.describe('Organization; default: the bot'),
    }),
    effect: 'change',
    scopes: ['write:repository', 'write:user', 'write:organization'],
    summary: ({ name, owner }) => `create repository ${owner ? `${owner}/` : ''}${name}`,
    target: ({ name, owner }) => ({ kind: 'Repository', name: owner ? `${owner}/${name}` : name }),
    async preflight({ name, description, private: isPrivate = true, owner }, { signal }) {
      const where = owner ?? (await gitea.login(signal))
      if (await exists(gitea, inRepository({ owner: where, repo: name }), signal))
        throw new Refusal(`${where}/${name} exists already.`)
      const body = { name, description: description ?? '', private: isPrivate, auto_init: true, default_branch: 'main' }
      return {
        request: request('POST', pathFor(owner), body),
        diff: '',
        affects: [`${where}/${name}, ${isPrivate ? 'private' : 'to be seen by everybody who may see the server'}`],
        version: `${where}/none`,
        watch: 'none' as const,
      }
    },
    async run({ owner }, approved, { signal }) {
      const made = Repository.parse(await sendToGitea(gitea, pathFor(owner), approved, signal))
      return `Repository ${made.full_name} was created: ${made.html_url}`
    },
  })
}

function pathFor(owner: string | undefined): string {
  if (owner === undefined) return '/api/v1/user/repos'
  return `/api/v1/orgs/${input.owner.parse(owner)}/repos`
}

async function exists(gitea: Gitea, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    await gitea.get(path, z.unknown(), { signal })
    return true
  } catch (error) {
    if (error instanceof GiteaError && error.status === 404) return false
    throw error
  }
}

import * as z from 'zod'
import { oneLine } from '../output.ts'
import { type ChangeTool, defineChange, Refusal } from '../tool.ts'
import { added, repositoryTarget, request, sendToGitea } from './change.ts'
import type { Gitea } from './client.ts'
import * as input from './inputs.ts'
import { inRepository } from './paths.ts'
import { inExisting, readRepository } from './repositories.ts'

const Issue = z.object({
  number: z.number(),
  title: z.string(),
  state: z.string().catch(''),
  html_url: z.string().catch(''),
})
const Comment = z.object({ id: z.number(), html_url: z.string().catch('') })

export function comment(gitea: Gitea): ChangeTool {
  return defineChange({
    name: 'gitea_comment',
    description: 'Comment on an issue or pull request (needs approval).',
    input: z.object({ owner: input.owner, repo: input.repo, number: input.integer(1, 1e9), body: input.body }),
    effect: 'change',
    scopes: ['write:issue'],
    summary: ({ owner, repo, number }) => `comment on ${owner}/${repo}#${number}`,
    target: repositoryTarget,
    async preflight({ owner, repo, number, body }, { signal }) {
      const name = { owner, repo }
      const path = inRepository(name, `/issues/${number}`)
      const read = () => gitea.get(path, Issue, { signal })
      const issue = await inExisting(gitea, name, signal, read, `#${number}`)
      return {
        request: request('POST', `${path}/comments`, { body }),
        diff: added(body),
        affects: [`#${number} ${oneLine(issue.title)} (${issue.state}); who follows it is told`],
        version: `${number}`,
        watch: 'none' as const,
      }
    },
    async run({ owner, repo, number }, approved, { signal }) {
      const path = inRepository({ owner, repo }, `/issues/${number}/comments`)
      const made = Comment.parse(await sendToGitea(gitea, path, approved, signal))
      return `The comment was made: ${made.html_url}`
    },
  })
}

export function createIssue(gitea: Gitea): ChangeTool {
  return defineChange({
    name: 'gitea_create_issue',
    description: 'Open an issue (needs approval).',
    input: z.object({ owner: input.owner, repo: input.repo, title: input.title, body: input.longText }),
    effect: 'change',
    scopes: ['write:issue', 'read:repository'],
    summary: ({ owner, repo, title }) => `open issue ${JSON.stringify(oneLine(title))} in ${owner}/${repo}`,
    target: repositoryTarget,
    async preflight({ owner, repo, title, body = '' }, { signal }) {
      const found = await readRepository(gitea, { owner, repo }, signal)
      if (found.archived) throw new Refusal(`${found.full_name} is archived: nothing can be changed in it.`)
      return {
        request: request('POST', inRepository({ owner, repo }, '/issues'), { title, body }),
        diff: added(`${title}\n\n${body}`),
        affects: [`a new issue in ${found.full_name}`],
        version: `${found.id}`,
        watch: 'none' as const,
      }
    },
    async run({ owner, repo }, approved, { signal }) {
      const made = Issue.parse(await sendToGitea(gitea, inRepository({ owner, repo }, '/issues'), approved, signal))
      return `Issue #${made.number} was opened: ${made.html_url}`
    },
  })
}

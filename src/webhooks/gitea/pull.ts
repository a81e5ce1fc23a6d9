import { createHash } from 'node:crypto'
import * as z from 'zod'
import { repository } from '../../repository.ts'
import type { CommentSignal, PullSignal } from '../../signal.ts'
import { address, nameOf, person, ref, text } from './fields.ts'

const Pull = z.object({
  title: text(300),
  html_url: address,
  merged: z.boolean().nullish(),
  updated_at: text(40),
  head: z.object({ ref, repo_id: z.int().nullish() }),
  base: z.object({ repo_id: z.int().nullish() }),
})

const PullEvent = z.object({
  action: z.string().max(50),
  number: z.int().positive(),
  pull_request: Pull,
  repository,
  sender: person.nullish(),
})

const CommentEvent = z.object({
  action: z.string().max(50),
  issue: z.object({ number: z.int().positive() }),
  comment: z.object({ id: z.int(), body: text(1_000), html_url: address }),
  pull_request: Pull.nullish(),
  repository,
  sender: person.nullish(),
})

/** Opened, closed, merged, reopened; labels, titles and reviews say nothing that is acted on. */
export const pull = PullEvent.transform((given): PullSignal | undefined => {
  const { number, pull_request: request, repository } = given
  const action = given.action === 'closed' && request.merged ? 'merged' : given.action
  if (action !== 'opened' && action !== 'merged' && action !== 'closed' && action !== 'reopened') return undefined
  return {
    kind: 'pull',
    source: 'gitea',
    id: `pull:${repository.id}:${number}:${action}:${request.updated_at}`,
    repository,
    number,
    action,
    ...ownBranch(request),
    title: request.title,
    url: request.html_url,
    by: nameOf(given.sender),
    login: given.sender?.login ?? '',
  }
})

export const comment = CommentEvent.transform((given): CommentSignal | undefined => {
  if (given.action !== 'created') return undefined
  const { comment, issue, repository } = given
  const said = createHash('sha256').update(comment.body).digest('hex').slice(0, 16)
  return {
    kind: 'comment',
    source: 'gitea',
    id: `comment:${repository.id}:${comment.id}:${said}`,
    repository,
    number: issue.number,
    ...(given.pull_request && ownBranch(given.pull_request)),
    text: comment.body,
    url: comment.html_url,
    by: nameOf(given.sender),
    login: given.sender?.login ?? '',
  }
})

/** A pull request from a fork, or one without a branch (AGit), has none in this repository. https://docs.gitea.com/usage/agit */
const ownBranch = ({ head, base }: z.output<typeof Pull>): { branch?: string } =>
  head.repo_id !== base.repo_id || head.ref.startsWith('refs/') ? {} : { branch: head.ref }

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Forge } from './index.ts'
import { notFound, paged, pageOf, params, requireUser } from './replies.ts'
import { repositoryShape, type User, userShape } from './shapes.ts'

export interface Issue {
  number: number
  title: string
  body: string
  user: User
  at: string
}

export interface Comment {
  id: number
  number: number
  body: string
  user: User
  at: string
}

const NewIssue = z.object({ title: z.string().min(1), body: z.string().default('') })
const NewComment = z.object({ body: z.string().min(1) })

/** Issues, and comments on them and on pull requests, which count together. */
export function serveIssues(api: FastifyInstance, forge: Forge): void {
  api.post('/issues', async (request, reply) => {
    const user = requireUser(request, forge)
    const issue = { ...NewIssue.parse(request.body), number: nextNumber(forge), user, at: new Date().toISOString() }
    forge.issues.push(issue)
    return reply.code(201).send(issueShape(forge, issue))
  })
  api.get('/issues', async (request, reply) =>
    paged(
      request,
      reply,
      forge.issues.toReversed().map((issue) => issueShape(forge, issue)),
    ),
  )
  api.get('/issues/:id', async (request) => issueShape(forge, talk(forge, params(request).id)))
  // Unpaged, as Gitea has it.
  api.get('/issues/:id/comments', async (request) => {
    const { number } = talk(forge, params(request).id)
    return forge.comments.filter((comment) => comment.number === number).map((comment) => commentShape(forge, comment))
  })
  api.post('/issues/:id/comments', async (request, reply) => {
    const user = requireUser(request, forge)
    const issue = talk(forge, params(request).id)
    const { body } = NewComment.parse(request.body)
    const comment = { id: forge.comments.length + 1, number: issue.number, body, user, at: new Date().toISOString() }
    forge.comments.push(comment)
    forge.emit('issue_comment', {
      action: 'created',
      issue: issueShape(forge, issue),
      comment: commentShape(forge, comment),
      repository: repositoryShape(forge.repository, forge.url),
      sender: userShape(user, forge.url),
      is_pull: isPull(forge, issue.number),
    })
    return reply.code(201).send(commentShape(forge, comment))
  })
}

export const nextNumber = ({ issues, pulls }: Forge): number => issues.length + pulls.length + 1

const isPull = ({ pulls }: Forge, number: number): boolean => pulls.some((pull) => pull.number === number)

function talk(forge: Forge, id: string): Issue {
  const found = [...forge.issues, ...forge.pulls].find(({ number }) => String(number) === id)
  if (!found) throw notFound()
  return found
}

function issueShape(forge: Forge, { number, title, body, user, at }: Issue) {
  const kind = isPull(forge, number) ? 'pulls' : 'issues'
  return {
    id: number,
    number,
    title,
    body,
    user: userShape(user, forge.url),
    state: 'open',
    html_url: `${pageOf(forge)}/${kind}/${number}`,
    created_at: at,
    updated_at: at,
  }
}

function commentShape(forge: Forge, { id, number, body, user, at }: Comment) {
  const kind = isPull(forge, number) ? 'pulls' : 'issues'
  const page = `${pageOf(forge)}/${kind}/${number}`
  return {
    id,
    html_url: `${page}#issuecomment-${id}`,
    pull_request_url: kind === 'pulls' ? page : '',
    issue_url: kind === 'issues' ? page : '',
    user: userShape(user, forge.url),
    body,
    created_at: at,
    updated_at: at,
  }
}

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { commitTree, moveBranch } from './contents.ts'
import { git, lines, references } from './git.ts'
import type { Forge } from './index.ts'
import { type Issue, nextNumber } from './issues.ts'
import { notFound, paged, pageOf, params, Refusal, requireUser } from './replies.ts'
import { repositoryShape, type User, userShape } from './shapes.ts'

export interface Pull extends Issue {
  base: string
  head: string
  /** Set once it is merged; then both branches may move or go. */
  merged: { commit: string; base: string; head: string; by: User; at: string } | undefined
}

const NewPull = z.object({ title: z.string().min(1), body: z.string().default(''), head: z.string(), base: z.string() })
const Merge = z.object({
  Do: z.enum(['merge', 'squash']),
  MergeTitleField: z.string().default(''),
  head_commit_id: z.string().optional(),
  delete_branch_after_merge: z.boolean().default(false),
})

/** Pull requests between branches of the repository. */
export function servePulls(api: FastifyInstance, forge: Forge): void {
  const { directory } = forge
  const number = (request: Parameters<typeof params>[0]) => params(request).id.replace(/\.diff$/, '')
  const pull = (request: Parameters<typeof params>[0]): Pull => {
    const found = forge.pulls.find((one) => String(one.number) === number(request))
    if (!found) throw notFound()
    return found
  }

  api.get('/pulls', async (request, reply) => {
    const { state = 'open' } = request.query as { state?: string }
    const found = forge.pulls.toReversed().filter((one) => state === 'all' || (state === 'open') === !one.merged)
    return paged(request, reply, await Promise.all(found.map(shape)))
  })
  api.post('/pulls', async (request, reply) => {
    const user = requireUser(request, forge)
    const { title, body, head, base } = NewPull.parse(request.body)
    const known = await references(directory)
    for (const name of [head, base]) if (!known.has(`refs/heads/${name}`)) throw notFound()
    if (head === base) throw new Refusal(422, 'Invalid PullRequest: There are no changes between the head and the base')
    const same = forge.pulls.find((one) => !one.merged && one.head === head && one.base === base)
    if (same)
      throw new Refusal(
        409,
        `pull request already exists for these targets [id: ${same.number}, issue_id: ${same.number}]`,
      )
    const made: Pull = { title, body, head, base, user, number: nextNumber(forge), at: now(), merged: undefined }
    forge.pulls.push(made)
    await tell('opened', made, user)
    return reply.code(201).send(await shape(made))
  })
  api.get('/pulls/:id', async (request, reply) => {
    const found = pull(request)
    if (!params(request).id.endsWith('.diff')) return shape(found)
    const { base, head } = await ends(found)
    return reply.type('text/plain; charset=utf-8').send(await git(directory, ['diff', `${base}...${head}`]))
  })
  api.get('/pulls/:base/:head', async (request) => {
    const { base, head } = request.params as { base: string; head: string }
    const found = forge.pulls.findLast((one) => one.base === base && one.head === head)
    if (!found) throw notFound()
    return shape(found)
  })
  api.get('/pulls/:id/files', async (request, reply) => {
    const { base, head } = await ends(pull(request))
    const counted = lines(await git(directory, ['diff', '--numstat', `${base}...${head}`]))
    const files = counted.map((line) => {
      const [added, removed, filename] = line.split('\t')
      const [additions, deletions] = [Number(added) || 0, Number(removed) || 0]
      return { filename, status: 'changed', additions, deletions, changes: additions + deletions }
    })
    return paged(request, reply, files)
  })
  api.post('/pulls/:id/merge', async (request, reply) => {
    const user = requireUser(request, forge)
    const found = pull(request)
    await merge(found, Merge.parse(request.body), user)
    await tell('closed', found, user)
    return reply.code(200).send()
  })

  async function merge(
    found: Pull,
    { Do, MergeTitleField, head_commit_id, delete_branch_after_merge }: z.output<typeof Merge>,
    user: User,
  ) {
    if (found.merged) throw new Refusal(405, 'The PR is already merged')
    const { base, head } = await ends(found)
    if (head_commit_id && head_commit_id !== head) throw new Refusal(409, 'head out of date')
    const tree = await mergedTree(base, head)
    if (!tree) throw new Refusal(405, 'Please try again later')
    const title =
      MergeTitleField || `Merge pull request '${found.title}' (#${found.number}) from ${found.head} into ${found.base}`
    const commit = await commitTree(forge, tree, Do === 'squash' ? [base] : [base, head], title, user)
    found.merged = { commit, base, head, by: user, at: now() }
    await moveBranch(forge, found.base, base, commit, user)
    if (!delete_branch_after_merge) return
    await git(directory, ['update-ref', '-d', `refs/heads/${found.head}`, head])
    await forge.pushed([{ ref: `refs/heads/${found.head}`, before: head, after: '0'.repeat(40) }], user)
  }

  /** The tree of both together; none when they are in conflict. */
  const mergedTree = async (base: string, head: string): Promise<string | undefined> =>
    (await git(directory, ['merge-tree', '--write-tree', base, head]).catch(() => undefined))?.split('\n')[0]

  /** The commits that it is between. */
  async function ends({ base, head, merged }: Pull): Promise<{ base: string; head: string }> {
    if (merged) return merged
    const known = await references(directory)
    return { base: known.get(`refs/heads/${base}`) ?? '', head: known.get(`refs/heads/${head}`) ?? '' }
  }

  async function shape(found: Pull) {
    const { number, title, body, user, at, merged } = found
    const { base, head } = await ends(found)
    const side = (ref: string, sha: string) => {
      const repo = repositoryShape(forge.repository, forge.url)
      return { label: ref, ref, sha, repo_id: forge.repository.id, repo }
    }
    return {
      id: number,
      url: `${pageOf(forge)}/pulls/${number}`,
      number,
      user: userShape(user, forge.url),
      title,
      body,
      state: merged ? 'closed' : 'open',
      draft: title.startsWith('WIP:'),
      html_url: `${pageOf(forge)}/pulls/${number}`,
      diff_url: `${pageOf(forge)}/pulls/${number}.diff`,
      mergeable: !merged && (await mergedTree(base, head)) !== undefined,
      merged: merged !== undefined,
      merged_at: merged?.at ?? null,
      merge_commit_sha: merged?.commit ?? null,
      merged_by: merged ? userShape(merged.by, forge.url) : null,
      base: side(found.base, base),
      head: side(found.head, head),
      created_at: at,
      updated_at: merged?.at ?? at,
    }
  }

  async function tell(action: string, found: Pull, sender: User): Promise<void> {
    forge.emit('pull_request', {
      action,
      number: found.number,
      pull_request: await shape(found),
      requested_reviewer: null,
      repository: repositoryShape(forge.repository, forge.url),
      sender: userShape(sender, forge.url),
      commit_id: '',
      review: null,
    })
  }
}

const now = (): string => `${new Date().toISOString().slice(0, 19)}Z`

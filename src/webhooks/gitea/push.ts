import * as z from 'zod'
import { repository } from '../../repository.ts'
import { type PushSignal, pushId, type TestSignal } from '../../signal.ts'
import { address, hash, nameOf, person, ref } from './fields.ts'

const paths = z.array(z.string()).nullish()
const mostCommits = 20
const mostFiles = 200

const Push = z.object({
  ref,
  before: hash,
  after: hash,
  compare_url: address,
  commits: z
    .array(
      z.object({
        id: hash,
        message: z.string(),
        url: address,
        author: z.object({ name: z.string().nullish(), username: z.string().nullish() }).nullish(),
        added: paths,
        removed: paths,
        modified: paths,
      }),
    )
    .nullish(),
  total_commits: z.int().nullish(),
  repository,
  pusher: person.nullish(),
  sender: person.nullish(),
})

/** A push to a branch, or a test delivery; nothing for tags and deleted branches. */
export const push = Push.transform((given): PushSignal | TestSignal | undefined => {
  const { repository, before, after } = given
  // The page of a hook has a button that sends the newest commit as if it had been pushed onto itself.
  if (before === after) return { kind: 'test', source: 'gitea', id: `test:${repository.id}:${after}`, repository }
  const branch = /^refs\/heads\/(.+)$/.exec(given.ref)?.[1]
  if (branch === undefined || /^0+$/.test(after)) return undefined
  const pusher = given.pusher ?? given.sender
  const commits = (given.commits ?? []).slice(0, mostCommits).toReversed()
  return {
    kind: 'push',
    source: 'gitea',
    id: pushId({ repository, branch, before, after }),
    repository,
    branch,
    before,
    after,
    ...(given.compare_url && { compareUrl: given.compare_url }),
    pusher: { login: pusher?.login ?? '', name: nameOf(pusher) },
    commits: commits.map((commit) => ({
      id: commit.id,
      title: (commit.message.split('\n')[0] ?? '').slice(0, 1_000),
      author: commit.author?.name ?? commit.author?.username ?? '',
      url: commit.url,
      files: [...(commit.added ?? []), ...(commit.modified ?? []), ...(commit.removed ?? [])].slice(0, mostFiles),
    })),
    total: given.total_commits ?? commits.length,
  }
})

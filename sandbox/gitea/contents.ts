import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { asAuthor, commits, git, gitWith, references } from './git.ts'
import type { Forge } from './index.ts'
import { apiOf, pageOf, Refusal, requireUser, resolve } from './replies.ts'
import { commitShape, type User, zeros } from './shapes.ts'

const Changes = z.object({
  branch: z.string().default('main'),
  new_branch: z.string().optional(),
  message: z.string().default(''),
  files: z.array(
    z.object({
      operation: z.enum(['create', 'update', 'upload', 'delete']),
      path: z.string(),
      content: z.string().default(''),
      sha: z.string().optional(),
    }),
  ),
})

/** `POST /contents`: several files in one commit, on a new branch if one is named. */
export function serveContents(api: FastifyInstance, forge: Forge): void {
  api.post('/contents', async (request, reply) => {
    const user = requireUser(request, forge)
    const asked = Changes.safeParse(request.body)
    if (!asked.success) throw new Refusal(422, '[]: invalid change')
    const { branch, new_branch: target = branch, message, files } = asked.data
    const known = await references(forge.directory)
    if (target !== branch && known.has(`refs/heads/${target}`))
      throw new Refusal(422, `branch already exists [name: ${target}]`)
    const parent = await resolve(forge, branch)
    const tree = await withIndex(forge, async (index) => {
      await index(['read-tree', parent])
      for (const file of files) await change(forge, index, parent, file)
      return (await index(['write-tree'])).trim()
    })
    const sha = await commitTree(forge, tree, [parent], message, user)
    await moveBranch(forge, target, known.get(`refs/heads/${target}`) ?? zeros, sha, user)
    const [commit] = await commits(forge.directory, [sha], 1)
    const shape = commitShape(commit!, pageOf(forge), apiOf(forge))
    return reply.code(201).send({ commit: shape, files: files.map(({ path }) => ({ path })), verification: null })
  })
}

type Index = (args: string[]) => Promise<string>

/** Git with an index of its own: the repository has no work tree. */
async function withIndex<Result>({ root, directory }: Forge, work: (index: Index) => Promise<Result>): Promise<Result> {
  const file = join(root, `index-${randomBytes(4).toString('hex')}`)
  try {
    return await work((args) => git(directory, args, { GIT_INDEX_FILE: file }))
  } finally {
    await rm(file, { force: true })
  }
}

async function change(
  forge: Forge,
  index: Index,
  parent: string,
  { operation, path, content, sha }: z.output<typeof Changes>['files'][number],
): Promise<void> {
  if (path.split('/').some((part) => ['', '.', '..', '.git'].includes(part)))
    throw new Refusal(422, `path contains a malformed path component [path: ${path}]`)
  const present = (
    await git(forge.directory, ['rev-parse', '--verify', '--quiet', `${parent}:${path}`]).catch(() => '')
  ).trim()
  if (operation === 'create' && present) throw new Refusal(422, `repository file already exists [path: ${path}]`)
  if (['update', 'delete'].includes(operation)) {
    if (!present) throw new Refusal(404, `repository file does not exist [path: ${path}]`)
    if (sha !== present) throw new Refusal(422, `sha does not match [given: ${sha}, expected: ${present}]`)
  }
  if (operation === 'delete') return void (await index(['update-index', '--force-remove', '--', path]))
  const bytes = Buffer.from(content, 'base64')
  const blob = (await gitWith(bytes, forge.directory, ['hash-object', '-w', '--stdin'])).trim()
  await index(['update-index', '--add', '--cacheinfo', `100644,${blob},${path}`])
}

/** Makes a commit of a tree. */
export async function commitTree(
  { directory }: Forge,
  tree: string,
  parents: string[],
  message: string,
  { login, email }: User,
): Promise<string> {
  const args = ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-m', message]
  return (await git(directory, args, asAuthor({ name: login, email }))).trim()
}

/** Moves a branch as a push does, with all that follows from that. */
export async function moveBranch(
  forge: Forge,
  branch: string,
  before: string,
  after: string,
  user: User,
): Promise<void> {
  const ref = `refs/heads/${branch}`
  await git(forge.directory, ['update-ref', ref, after, before === zeros ? '' : before])
  await forge.pushed([{ ref, before, after }], user)
}

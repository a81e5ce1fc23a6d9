import { execFile, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'

const run = promisify(execFile)

// Nothing of the person's own git set-up may change what the sandbox does.
const environment = {
  PATH: process.env.PATH ?? '',
  HOME: '/nonexistent',
  LC_ALL: 'C.UTF-8',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
}

export interface Author {
  name: string
  email: string
}

/** Runs git in `directory`, without a shell, and resolves to what it printed. */
export async function git(directory: string, args: string[], extra: Record<string, string> = {}): Promise<string> {
  const { stdout } = await run('git', args, {
    cwd: directory,
    env: { ...environment, ...extra },
    maxBuffer: 16 * 1024 * 1024,
    timeout: 30_000,
  })
  return stdout
}

/** The same, for what reads its input. */
export async function gitWith(input: Buffer | string, directory: string, args: string[]): Promise<string> {
  const running = run('git', args, { cwd: directory, env: environment, timeout: 30_000 })
  running.child.stdin?.end(input)
  return (await running).stdout
}

export function asAuthor({ name, email }: Author): Record<string, string> {
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  }
}

export interface Commit {
  sha: string
  parents: string[]
  author: Author
  committer: Author
  date: string
  message: string
  added: string[]
  removed: string[]
  modified: string[]
}

/** Commits as `git rev-list` gives them for `range`, newest first. The range consists of hashes or checked names only. */
export async function commits(repository: string, range: string[], limit: number): Promise<Commit[]> {
  const list = await git(repository, ['rev-list', `--max-count=${limit}`, '--end-of-options', ...range])
  return Promise.all(lines(list).map((sha) => commit(repository, sha)))
}

async function commit(repository: string, sha: string): Promise<Commit> {
  const format = '--format=%P%x00%an%x00%ae%x00%cn%x00%ce%x00%cI%x00%B'
  const shown = await git(repository, ['show', '--no-patch', format, sha])
  const [parents = '', author = '', authorEmail = '', committer = '', committerEmail = '', date = '', message = ''] =
    shown.split('\0')
  const names = await git(repository, ['diff-tree', '--root', '--no-commit-id', '--name-status', '-r', '-z', sha])
  const changes = changedFiles(names)
  return {
    sha,
    parents: parents.split(' ').filter(Boolean),
    author: { name: author, email: authorEmail },
    committer: { name: committer, email: committerEmail },
    date: date.replace('+00:00', 'Z'),
    message: `${message.trimEnd()}\n`,
    added: changes.get('A') ?? [],
    removed: changes.get('D') ?? [],
    modified: changes.get('M') ?? [],
  }
}

function changedFiles(text: string): Map<string, string[]> {
  const fields = text.split('\0').filter(Boolean)
  const changes = new Map<string, string[]>()
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [letter = '', file = ''] = [fields[index], fields[index + 1]]
    changes.set(letter, [...(changes.get(letter) ?? []), file])
  }
  return changes
}

/** Every branch and tag with the hash it points to, by full name. */
export async function references(repository: string): Promise<Map<string, string>> {
  const text = await git(repository, ['for-each-ref', '--format=%(refname) %(objectname)'])
  return new Map(lines(text).map((line) => line.split(' ') as [string, string]))
}

export function lines(text: string): string[] {
  return text.split('\n').filter(Boolean)
}

export interface BackendRequest {
  root: string
  path: string
  query: string
  method: string
  user: string
  contentType: string
  contentEncoding: string
  protocol: string
  body: Readable | undefined
}

export interface BackendReply {
  status: number
  headers: Record<string, string>
  body: Buffer
}

/** Git's own server side (`git http-backend`, a CGI program): what makes clone, fetch and push real. */
export function gitBackend(request: BackendRequest): Promise<BackendReply> {
  const child = spawn('git', ['http-backend'], {
    env: {
      ...environment,
      GIT_PROJECT_ROOT: request.root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: request.path,
      QUERY_STRING: request.query,
      REQUEST_METHOD: request.method,
      REMOTE_USER: request.user,
      CONTENT_TYPE: request.contentType,
      HTTP_CONTENT_ENCODING: request.contentEncoding,
      GIT_PROTOCOL: request.protocol,
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  // The backend may end before it has read all; what is left is of no interest then.
  child.stdin.on('error', () => {})
  if (request.body) request.body.pipe(child.stdin)
  else child.stdin.end()
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', (error) =>
      reject(new Error('git cannot be started: install git to use the sandbox Gitea.', { cause: error })),
    )
    child.on('close', () => resolve(parseReply(Buffer.concat(chunks))))
  })
}

function parseReply(output: Buffer): BackendReply {
  const end = output.indexOf('\r\n\r\n')
  if (end < 0) return { status: 500, headers: {}, body: Buffer.from('git http-backend gave no answer\n') }
  const fields = output
    .subarray(0, end)
    .toString()
    .split('\r\n')
    .map((line) => line.split(': ') as [string, string])
  const { Status: status = '200', ...headers } = Object.fromEntries(fields)
  return { status: Number.parseInt(status, 10), headers, body: output.subarray(end + 4) }
}

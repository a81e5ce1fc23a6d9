import { simpleGit } from 'simple-git'
import { sentenceOf } from '../../text/sentence.ts'

/** Git said no; the message is a sentence without credentials. */
export class GitFailure extends Error {
  override readonly name = 'GitFailure'
}

export interface GitOptions {
  /** Folder with the `.gitconfig` that holds all rules. */
  home: string
  token: string
}

export interface RunOptions {
  /** Where it runs. */
  folder: string
  signal: AbortSignal
  /** How long it may take; 60 s. */
  ms?: number
  /** Larger outputs end it; 4 MiB. */
  maxBytes?: number
}

/** Runs git with these arguments; resolves to what it printed. Whatever could be an option was checked before. */
export type Git = (args: string[], options: RunOptions) => Promise<string>

export function createGit({ home, token }: GitOptions): Git {
  const environment = {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: home,
    LC_ALL: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_LITERAL_PATHSPECS: '1',
    BOT_GIT_USER: 'kube-agent',
    BOT_GIT_TOKEN: token,
    ...proxies(),
  }

  return async (args, { folder, signal, ms = 60_000, maxBytes = 4 * 1024 * 1024 }) => {
    signal.throwIfAborted()
    const tooMuch = new AbortController()
    const tooLong = AbortSignal.timeout(ms)
    const git = simpleGit({
      baseDir: folder,
      allowEnvironment: ['GIT_CONFIG_NOSYSTEM', 'GIT_TERMINAL_PROMPT', 'GIT_LITERAL_PATHSPECS'],
      abort: AbortSignal.any([signal, tooLong, tooMuch.signal]),
    })
      .env(environment)
      .outputHandler((_command, stdout) => {
        let bytes = 0
        stdout.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > maxBytes) tooMuch.abort()
        })
      })
    try {
      return await git.raw(args)
    } catch (error) {
      signal.throwIfAborted()
      if (tooMuch.signal.aborted)
        throw new GitFailure(`git ${args[0]} printed more than ${Math.round(maxBytes / 1024)} KiB.`, { cause: error })
      if (tooLong.aborted) throw new GitFailure(`git ${args[0]} did not end within ${ms / 1000} s.`, { cause: error })
      throw new GitFailure(explain(args[0] ?? '', withoutCredentials(sentenceOf(error), token)))
    }
  }
}

function proxies(): Record<string, string> {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

/** The token in every form that git or curl could print it. */
export function withoutCredentials(text: string, token: string): string {
  const basic = Buffer.from(`kube-agent:${token}`).toString('base64')
  return [token, encodeURIComponent(token), basic]
    .reduce((clean, secret) => clean.replaceAll(secret, '«removed»'), text)
    .replaceAll(/\/\/[^/@\s]+@/g, '//')
    .replaceAll(/^.*authorization:.*$/gim, 'authorization: «removed»')
}

const sentences: [RegExp, string][] = [
  [
    /error: 403|HTTP 403|remote: Forbidden/i,
    'Gitea does not allow it (403): the token needs read:repository, to push write:repository, and the account the right.',
  ],
  [/Authentication failed|error: 401/i, 'Gitea refused the token. Check KUBE_AGENT_GITEA_TOKEN.'],
  [
    /error: 30[1278]|redirect/i,
    'The repository has moved. Look it up with gitea_get_repo and clone it under its new name.',
  ],
  [/not found|error: 404/i, 'Gitea has no such repository or branch, or the bot may not see it.'],
  [
    /non-fast-forward|fetch first|rejected\]? .*\(stale|Not possible to fast-forward|diverging/i,
    'The branch on the server has other commits.',
  ],
  [
    /pre-receive hook declined|protected branch/i,
    'Gitea declined the push: the branch is protected. Propose the change as a pull request.',
  ],
  [
    /would be overwritten by (merge|checkout)/i,
    'Files that were changed here were changed on the server too. Push them to a branch of their own first.',
  ],
  [/Could not resolve host|Failed to connect|Connection refused|timed out/i, 'Gitea cannot be reached.'],
]

function explain(command: string, message: string): string {
  const known = sentences.find(([pattern]) => pattern.test(message))?.[1]
  const said = message.replaceAll(/\s+/g, ' ').trim().slice(0, 400)
  return known ? `${known} (git ${command}: ${said})` : `git ${command} failed: ${said}`
}

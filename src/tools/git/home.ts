import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface GitHomeOptions {
  /** Made when it is missing. */
  folder: string
  /** Address of Gitea, which may have a path: the only one that is talked to, and that gets the token. */
  url: string
  author: { name: string; email: string }
  /** Certificates to trust instead of the system's, as PEM. */
  ca?: string[] | undefined
}

/**
 * A home of git's own, whose configuration holds every rule: nothing of a repository is executed, only Gitea is talked to, and the
 * token comes from the environment. Returns the folder.
 */
export function createGitHome({ folder, url, author, ca }: GitHomeOptions): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const bundle = join(folder, 'ca.pem')
  if (ca) writeFileSync(bundle, ca.join('\n'), { mode: 0o600 })
  writeFileSync(join(folder, '.gitconfig'), config({ url: new URL(url), author, ca: ca && bundle }), { mode: 0o600 })
  return folder
}

// The helper prints to git alone; what it prints comes from variables, so that no file and no argument has the token.
const helper = `"!f() { test \\"$1\\" = get && printf 'username=%s\\\\npassword=%s\\\\n' \\"$BOT_GIT_USER\\" \\"$BOT_GIT_TOKEN\\"; }; f"`

function config({ url, author, ca }: { url: URL; author: GitHomeOptions['author']; ca: string | undefined }): string {
  return `[core]
	hooksPath = /dev/null
	symlinks = false
	fsmonitor = false
	protectHFS = true
	protectNTFS = true
	pager = cat
	quotePath = false
[protocol]
	allow = never
[protocol "${url.protocol.replace(':', '')}"]
	allow = always
[credential]
	helper =
[credential "${url.origin}"]
	helper = ${helper}
[http]
	followRedirects = false
	lowSpeedLimit = 1000
	lowSpeedTime = 30
${ca ? `	sslCAInfo = ${quoted(ca)}\n` : ''}[safe]
	bareRepository = explicit
[submodule]
	recurse = false
[fetch]
	recurseSubmodules = false
	fsckObjects = true
[transfer]
	fsckObjects = true
[gc]
	auto = 0
[maintenance]
	auto = false
[init]
	templateDir =
[advice]
	detachedHead = false
[user]
	name = ${quoted(author.name)}
	email = ${quoted(author.email)}
[commit]
	gpgSign = false
[push]
	gpgSign = false
	recurseSubmodules = no
`
}

const quoted = (text: string): string => `"${text.replaceAll(/\p{Cc}/gu, ' ').replaceAll(/[\\"]/g, '\\$&')}"`

import { RequestError } from '../../http/request-error.ts'
import { Unreachable } from '../../http/unreachable.ts'
import { oneLine } from '../output.ts'

/** Gitea answered that it did not do it. `code` is what it said itself, in its own words. */
export class GiteaError extends RequestError {
  override readonly name = 'GiteaError'
  constructor(message: string, { status, code = '' }: { status: number; code?: string }) {
    super(message, { status, code })
  }
}

/** No answer came from Gitea. */
export class GiteaUnreachable extends Unreachable {
  override readonly name = 'GiteaUnreachable'
}

export interface Answer {
  status: number
  text: string
  /** Whether the beginning of the text was dropped. */
  cut?: boolean
  headers: Record<string, string | string[] | undefined>
}

/** What an answer that is no success means, as a sentence with the way out. */
export function toError({ status, text, headers }: Answer, path: string): GiteaError {
  const reason = reasonOf(text)
  return new GiteaError(explain(status, reason, path, movedTo(headers.location)), { status, code: reason })
}

function explain(status: number, reason: string, path: string, moved: string | undefined): string {
  // "token does not have at least one of required scope(s), required=[read:repository], token scope=…"
  const scope = /required=\[([\w:, ]{1,200})\]/.exec(reason)?.[1]
  const said = reason && !/^not found$/i.test(reason) ? `: ${reason}` : ''
  if (status === 401) return 'Gitea refused the token (401). Check KUBE_AGENT_GITEA_TOKEN.'
  if (scope) return `The Gitea token lacks the scope ${scope}.`
  if (status === 403) return `Gitea does not allow this for the bot's account (403, ${path})${said}.`
  if (status === 404) return `Gitea has no such thing, or the bot's account may not see it (404, ${path})${said}.`
  if (status === 423) return `The repository is archived, so nothing can be changed in it (423, ${path}).`
  if (moved) return `This repository is called ${moved} now. Use that name.`
  if (status >= 300 && status < 400) return `Gitea says that ${path} has moved; use the new name.`
  if (status >= 500) return `Gitea answered ${status} (${path}).`
  return `Gitea answered ${status} (${path})${said}.`
}

/** Gitea's own words: `errors` has the details where `message` only says "not found". A proxy's page says nothing. */
function reasonOf(text: string): string {
  try {
    const { message, errors } = JSON.parse(text) as { message?: unknown; errors?: unknown }
    const details = Array.isArray(errors) ? errors.filter((one) => typeof one === 'string') : []
    return oneLine(details.join('; ') || (typeof message === 'string' ? message : ''))
      .slice(0, 300)
      .replace(/\.$/, '')
  } catch {
    return ''
  }
}

/** The new name of a renamed repository: only that is taken from a redirect, never its address. */
function movedTo(location: string | string[] | undefined): string | undefined {
  const [, owner, name] =
    /\/api\/v1\/repos\/([\w.-]{1,100})\/([\w.-]{1,100})(?:[/?#]|$)/.exec(String(location ?? '')) ?? []
  return owner && name ? `${owner}/${name}` : undefined
}

import type { UserId } from '../agent/approval.ts'
import type { ChatPlatform } from '../bot/platform.ts'
import { ConfigError } from '../config.ts'

export interface People {
  /** Who may approve; filled by `resolve`, since a chat may know a person under another id than the one in the configuration. */
  approvers: UserId[]
  mayTalk(person: UserId): boolean
  /** Whose invitation the bot follows. */
  mayInvite(person: UserId): boolean
  /** Whether this very person is listed, and not just everybody of a server. */
  isNamed(person: UserId): boolean
  /** Asks the chats for the ids behind the configured names. Throws `ConfigError` that names those nobody knows, and why. */
  resolve(chats: ChatPlatform[]): Promise<void>
}

/** Who the configuration means by approvers and users. */
export function createPeople(configured: { approvers: string[]; users: string[] }): People {
  const approvers: UserId[] = []
  let users = configured.users
  const isUser = (person: string) => users.some((pattern) => matchesUser(pattern, person))
  const isListed = (person: UserId) => isUser(person) || approvers.includes(person)
  return {
    approvers,
    mayTalk: (person) => users.length === 0 || isListed(person),
    // Without any list the people of the server decide where the bot is; with one, only they do.
    isNamed: (person) => users.includes(person) || approvers.includes(person),
    mayInvite: (person) => isListed(person) || (users.length === 0 && configured.approvers.length === 0),
    async resolve(chats) {
      const names = users.filter((name) => !isPattern(name))
      const found = await resolveUsers({ KUBE_AGENT_APPROVERS: configured.approvers, KUBE_AGENT_USERS: names }, chats)
      approvers.push(...(found.KUBE_AGENT_APPROVERS ?? []))
      users = [...users.filter(isPattern), ...(found.KUBE_AGENT_USERS ?? [])]
    },
  }
}

const isPattern = (name: string): boolean => name.startsWith('*:')

/** Whether a configured pattern means this person: the very id, or `*:server` for everybody of a server. */
export function matchesUser(pattern: string, person: string): boolean {
  if (!isPattern(pattern)) return pattern === person
  return person.startsWith('@') && person.slice(person.indexOf(':') + 1) === pattern.slice(2)
}

async function resolveUsers(lists: Record<string, string[]>, chats: ChatPlatform[]): Promise<Record<string, UserId[]>> {
  const problems: string[] = []
  const resolved: Record<string, UserId[]> = {}
  for (const [variable, names] of Object.entries(lists)) {
    const found = await Promise.all(names.map((name) => idsOf(name, chats)))
    resolved[variable] = [...new Set(found.flatMap(({ ids }) => ids))]
    problems.push(
      ...found.flatMap(({ ids, reasons }) => (ids.length === 0 ? [`${variable}: ${reasons.join(' ')}`] : [])),
    )
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return resolved
}

async function idsOf(name: string, chats: ChatPlatform[]): Promise<{ ids: UserId[]; reasons: string[] }> {
  const answers = await Promise.allSettled(chats.map((chat) => chat.user(name)))
  return {
    ids: answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : [])),
    reasons: answers.flatMap((answer) => (answer.status === 'rejected' ? [(answer.reason as Error).message] : [])),
  }
}

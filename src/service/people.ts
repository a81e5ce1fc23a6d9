import type { UserId } from '../agent/approval.ts'
import type { ChatPlatform } from '../bot/platform.ts'
import { ConfigError } from '../config/index.ts'

export interface People {
  /** Who may approve; filled by `learn`, since a chat may know a person under another id than the one in the configuration. */
  approvers: UserId[]
  mayTalk(person: UserId): boolean
  /** Whose invitation the bot follows. */
  mayInvite(person: UserId): boolean
  /** Whether this very person is listed, and not just everybody of a server. */
  isNamed(person: UserId): boolean
  /** Asks a chat for the ids behind the configured names, once; until then nobody of it is known. */
  learn(chat: ChatPlatform): Promise<void>
  /** Throws `ConfigError` that says which names none of the chats asked so far knows, and why. */
  check(): void
}

/** Who the configuration means by approvers and users. */
export function createPeople(configured: { approvers: string[]; users: string[] }): People {
  const approvers: UserId[] = []
  const users: UserId[] = []
  const patterns = configured.users.filter(isPattern)
  const lists = [
    { variable: 'KUBE_AGENT_APPROVERS', names: configured.approvers, ids: approvers },
    { variable: 'KUBE_AGENT_USERS', names: configured.users.filter((name) => !isPattern(name)), ids: users },
  ]
  const known = new Set<string>()
  const reasons = new Map<string, string[]>()
  const learning = new Map<ChatPlatform, Promise<void>>()

  const isUser = (person: UserId) => users.includes(person) || patterns.some((pattern) => matchesUser(pattern, person))
  const isListed = (person: UserId) => isUser(person) || approvers.includes(person)

  async function ask(chat: ChatPlatform, name: string): Promise<UserId | undefined> {
    try {
      const id = await chat.user(name)
      known.add(name)
      return id
    } catch (error) {
      reasons.set(name, [...(reasons.get(name) ?? []), (error as Error).message])
      return undefined
    }
  }

  async function learn(chat: ChatPlatform): Promise<void> {
    for (const { names, ids } of lists) {
      const found = await Promise.all(names.map((name) => ask(chat, name)))
      for (const id of found) if (id !== undefined && !ids.includes(id)) ids.push(id)
    }
  }

  return {
    approvers,
    mayTalk: (person) => configured.users.length === 0 || isListed(person),
    // Without any list the people of the server decide where the bot is; with one, only they do.
    isNamed: (person) => users.includes(person) || approvers.includes(person),
    mayInvite: (person) => isListed(person) || (configured.users.length === 0 && configured.approvers.length === 0),
    learn(chat) {
      const begun = learning.get(chat) ?? learn(chat)
      learning.set(chat, begun)
      return begun
    },
    check() {
      const problems = lists.flatMap(({ variable, names }) =>
        names
          .filter((name) => !known.has(name))
          .map((name) => `${variable}: ${(reasons.get(name) ?? [`No chat knows ${name}.`]).join(' ')}`),
      )
      if (problems.length > 0) throw new ConfigError(problems)
    },
  }
}

const isPattern = (name: string): boolean => name.startsWith('*:')

/** Whether a configured pattern means this person: the very id, or `*:server` for everybody of a server. */
export function matchesUser(pattern: string, person: string): boolean {
  if (!isPattern(pattern)) return pattern === person
  return person.startsWith('@') && person.slice(person.indexOf(':') + 1) === pattern.slice(2)
}

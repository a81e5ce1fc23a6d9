import type { UserId } from '../agent/approval.ts'
import type { ChatPlatform } from '../bot/platform.ts'

/** Whether a configured pattern means this person: the very id, or `*:server` for everybody of a server. */
export function matchesUser(pattern: string, person: string): boolean {
  if (!pattern.startsWith('*:')) return pattern === person
  return person.startsWith('@') && person.slice(person.indexOf(':') + 1) === pattern.slice(2)
}

/** The ids behind configured names, asked from each chat in turn. Throws a sentence that names those nobody knows. */
export async function resolveUsers(names: string[], chats: ChatPlatform[]): Promise<UserId[]> {
  const problems: string[] = []
  const found: UserId[] = []
  for (const name of names) {
    const answers = await Promise.allSettled(chats.map((chat) => chat.user(name)))
    const ids = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    found.push(...ids)
    if (ids.length === 0) problems.push(name)
  }
  if (problems.length > 0) throw new Error(`KUBE_AGENT_APPROVERS names nobody of these chats: ${problems.join(', ')}.`)
  return [...new Set(found)]
}

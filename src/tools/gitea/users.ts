import * as z from 'zod'
import { defineRead, type ReadTool } from '../tool.ts'
import type { Gitea } from './client.ts'
import * as input from './inputs.ts'
import { tabled } from './lines.ts'

const User = z.object({ login: z.string(), full_name: z.string().catch(''), is_admin: z.boolean().catch(false) })

export function listUsers(gitea: Gitea): ReadTool {
  return defineRead({
    name: 'gitea_list_users',
    description: 'Users of Gitea.',
    input: z.object({ match: input.text }),
    scopes: ['read:user'],
    summary: ({ match }) => `users${input.matching(match)}`,
    // The administrator's list says more, and would need a token that may do far more.
    async run({ match }, { signal, maxBytes }) {
      const options = { signal, query: { q: match }, limit: 200, within: 'data' }
      const { items, more } = await gitea.list('/api/v1/users/search', User, options)
      const rows = items.map((one) => [one.login, one.full_name, one.is_admin ? 'administrator' : ''])
      return tabled(['LOGIN', 'NAME', ''], rows, {
        empty: 'No such users.',
        rest: 'Narrow down with match.',
        more,
        maxBytes,
      })
    },
  })
}

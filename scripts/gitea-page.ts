import { gitToolsOn } from '../src/tools/git/index.ts'
import type { Gitea } from '../src/tools/gitea/client.ts'
import { giteaTools } from '../src/tools/gitea/index.ts'
import type { Tool } from '../src/tools/tool.ts'

/** docs/gitea-tools.md: what each tool for Gitea does, and what the token has to be allowed for it. */
export function giteaPage(): string {
  // Nothing is asked: the tools only say what they are.
  const gitea = { url: 'http://gitea' } as Gitea
  const tools = [...giteaTools(gitea), ...gitToolsOn({ gitea } as Parameters<typeof gitToolsOn>[0])]
  const rows = tools.sort((a, b) => (a.name < b.name ? -1 : 1)).map(row)
  return `<!-- Generated from src/tools/gitea and src/tools/git by \`npm run generate\`. -->
# Tools for Gitea

They are there when \`KUBE_AGENT_GITEA_URL\` and \`KUBE_AGENT_GITEA_TOKEN\` are set. \`read\` runs at once, \`change\` asks, \`destroy\` asks somebody else.

- Gitea 1.24 or newer. Runs and their jobs need 1.25, running again 1.26, a comparison with its diff 1.27. Forgejo: best effort, by what its API has.
- A scope is only half of it: what the bot's account may do in a repository is its role there. As a collaborator with *write* it reads, comments, pushes, merges and
  runs again, and can neither delete a repository nor see or make webhooks. Give it no more, and never a site administrator's token.
- \`write:\` includes \`read:\`. Without \`read:user\` users cannot be listed; \`write:user\` and \`write:organization\` are for creating repositories alone.

| tool | effect | scopes of the token | what it does |
|---|---|---|---|
${rows.join('\n')}
`
}

const row = ({ name, effect, scopes = [], description }: Tool): string =>
  `| \`${name}\` | ${effect} | ${scopes.map((scope) => `\`${scope}\``).join(', ')} | ${description} |`

import { fileTools } from '../src/tools/files/index.ts'
import { gitToolsOn } from '../src/tools/git/index.ts'
import type { Gitea } from '../src/tools/gitea/client.ts'
import { giteaTools } from '../src/tools/gitea/index.ts'
import { createTools } from '../src/tools/index.ts'
import type { Cluster } from '../src/tools/kubernetes/cluster.ts'
import type { Right, Tool } from '../src/tools/tool.ts'

/** docs/tools.md: what each tool does, and what the bot's account or token has to be allowed for it. */
export function toolsPage(): string {
  // Nothing is asked: the tools only say what they are.
  const gitea = { url: 'http://gitea' } as Gitea
  const cluster = { namespace: 'shop', namespaces: ['*'] } as Cluster
  const rules = { maxReplicas: 50 }
  const kubernetes = [...createTools({ cluster, rules }).values()]
  const git = gitToolsOn({ gitea } as Parameters<typeof gitToolsOn>[0])
  const files = fileTools({ roots: [] } as unknown as Parameters<typeof fileTools>[0])
  return `<!-- Generated from src/tools by \`npm run generate\`. -->
# Tools

\`read\` runs at once, \`change\` asks, \`destroy\` asks somebody else. In a room: \`!TOOL key=value …\`; \`!tools\` lists them.

## Kubernetes

The rights are those of the bot's own account, in the namespaces that it shall look into.

| tool | effect | rights | what it does |
|---|---|---|---|
${rows(kubernetes, ({ rights = [] }) => rightsOf(rights))}

## Gitea

They are there when \`KUBE_AGENT_GITEA_URL\` and \`KUBE_AGENT_GITEA_TOKEN\` are set.

- Gitea 1.24 or newer. Runs and their jobs need 1.25, running again 1.26, a comparison with its diff 1.27. Forgejo: best effort, by what its API has.
- A scope is only half of it: what the bot's account may do in a repository is its role there. As a collaborator with *write* it reads, comments, pushes, merges and
  runs again, and can neither delete a repository nor see or make webhooks. Give it no more, and never a site administrator's token.
- \`write:\` includes \`read:\`. Without \`read:user\` users cannot be listed; \`write:user\` and \`write:organization\` are for creating repositories alone.

| tool | effect | scopes of the token | what it does |
|---|---|---|---|
${rows([...giteaTools(gitea), ...git], ({ scopes = [] }) => scopes.map(code).join(', '))}

## Files

Inside the folders of \`KUBE_AGENT_FILES_ROOTS\`, and in the clones of the thread; Linux only.

| tool | effect | what it does |
|---|---|---|
${files.map(({ name, effect, description }) => `| ${code(name)} | ${effectName(effect)} | ${description} |`).join('\n')}
`
}

const rows = (tools: Tool[], needs: (tool: Tool) => string): string =>
  tools
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((tool) => `| ${code(tool.name)} | ${effectName(tool.effect)} | ${needs(tool)} | ${tool.description} |`)
    .join('\n')

const effectName = (effect: Tool['effect']): string => (typeof effect === 'string' ? effect : 'change or destroy')

const mostKinds = 10

/** Kinds with the same verbs together. */
function rightsOf(rights: Right[]): string {
  const byVerbs = Map.groupBy(rights, ({ verbs }) => verbs.join(', '))
  return [...byVerbs]
    .map(([verbs, kinds]) => {
      const names = [...new Set(kinds.map(({ group, resource }) => code(`${resource}${group && `.${group}`}`)))]
      const more = names.length > mostKinds ? ` and ${names.length - mostKinds} more kinds` : ''
      return `${verbs}: ${names.slice(0, mostKinds).join(', ')}${more}`
    })
    .join('; ')
}

const code = (text: string): string => `\`${text}\``

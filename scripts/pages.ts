import * as z from 'zod'
import { type Setting, settings } from '../src/config/index.ts'
import { analyzersPage } from './analyzers-page.ts'
import { toolsPage } from './tools-page.ts'

/** Every generated file with its text, by its path in the repository. */
export function pages(): Record<string, string> {
  return {
    'docs/analyzers.md': analyzersPage(),
    'docs/configuration.md': configuration(),
    'docs/tools.md': toolsPage(),
  }
}

const groups: Record<string, string> = {
  '': 'General',
  matrix: 'Matrix',
  mattermost: 'Mattermost',
  llm: 'Model',
  kubernetes: 'Kubernetes',
  gitea: 'Gitea',
  files: 'Files',
  http: 'HTTP port',
  web: 'Web room',
  log: 'Log',
  limits: 'Limits of one request',
  approvals: 'Approvals',
  signals: 'Signals',
}

function configuration(): string {
  return `<!-- Generated from src/config/schema.ts by \`npm run generate\`. -->
# Configuration

A YAML file (\`--config\` or \`KUBE_AGENT_CONFIG\`), variables and flags: a flag wins over a variable, a variable over the file, the file
over the default. \`kube-agent config\` prints what holds and where each value comes from. Unknown keys and variables and wrong values
are errors that name the key, what was given and what is expected; the bot then does not start (exit code 2).

- **Secrets** (🔒) never stand in the YAML file. Each comes from its variable or, with \`_FILE\` behind the name, from a file: one
  line break at its end is left out.
- **Lists** are comma-separated in variables and flags.
- **Flags** are called like the key: \`http.port\` is \`--http-port\`, \`llm.firstTokenSeconds\` is \`--llm-first-token-seconds\`.
  Others are named below. Secrets have none, except those named here: a command line can be read by everybody on the machine.
- Variables that Kubernetes makes from Services of the same name (\`KUBE_AGENT_SERVICE_HOST\`, \`KUBE_AGENT_PORT=tcp://…\`) are ignored.
- HTTP_PROXY, HTTPS_PROXY and NO_PROXY are followed for every outgoing connection.

| exit code | when |
|---|---|
| 0 | ended by SIGTERM or SIGINT: nothing new was begun, what ran had 20 s to end, what waits is kept; a second signal ends it at once |
| 1 | failed at work, such as a revoked token |
| 2 | cannot start like this: wrong use or configuration, unusable CA file, approvers that nobody is, port or data directory in use |

${Object.entries(groups).map(section).join('\n\n')}

## Example

\`\`\`yaml
chat: [matrix]
room: '#ops:corp.example'
approvers: ['@alice:corp.example', '@bob:corp.example']
matrix:
  url: https://matrix.corp.example
kubernetes:
  namespaces: [shop, web]
signals:
  pushBranches: [default, 'release/*']
analyzers: # beside the built-in ones; \`object\` as the API server has it, of Secrets without data; \`now\`
  - name: NoOwnerLabel
    kind: Deployment # or deployments.apps, or with apiVersion: apps/v1
    when: '!("team" in object.metadata.?labels.orValue({}))'
    text: 'Deployment \${object.metadata.name} says no team.'
    severity: info # critical, warning (default) or info
\`\`\`
`
}

function section([group, title]: [string, string]): string {
  const rows = settings.filter(({ path }) => (path.includes('.') ? path.split('.')[0] : '') === group).map(row)
  return [`## ${title}`, '', '| key | variable | default | meaning |', '|---|---|---|---|', ...rows].join('\n')
}

function row({ path, variable, flag, secret, description, schema }: Setting): string {
  const spelled = `--${path.replaceAll('.', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  const other = flag && (flag !== spelled || secret) ? ` Flag \`${flag}\`.` : ''
  const cells = [
    `\`${path}\`${secret ? ' 🔒' : ''}`,
    variable ? `\`${variable}\`` : '–',
    defaultOf(schema),
    `${description}${other}`,
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function defaultOf(schema: z.ZodType): string {
  const { success, data } = z.safeParse(schema, undefined)
  if (!success || data === undefined || (Array.isArray(data) && data.length === 0)) return '–'
  return `\`${Array.isArray(data) ? data.join(',') : String(data)}\``
}

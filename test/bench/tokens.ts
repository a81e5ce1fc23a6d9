import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { toolSchema } from '../../src/agent/model.ts'
import { systemPrompt } from '../../src/agent/prompt.ts'
import { createWorkspace } from '../../src/tools/git/workspace.ts'
import type { Gitea } from '../../src/tools/gitea/client.ts'
import { createTools } from '../../src/tools/index.ts'
import type { Cluster } from '../../src/tools/kubernetes/cluster.ts'

/** What every request to the model begins with: the system prompt and the schemas of all tools, those for Gitea, git and files too. */
export function promptTokens(): number {
  const system = systemPrompt({ namespace: 'shop', namespaces: ['shop', 'web'], mode: 'approve', language: 'en' })
  const cluster = { namespace: 'shop', namespaces: ['shop', 'web'] } as Cluster
  const tools = createTools({
    cluster,
    rules: { maxReplicas: 50 },
    gitea: { client: { url: 'http://gitea.test' } as Gitea, token: 'token' },
    disk: {
      roots: ['/tmp'],
      dataDir: '/nonexistent',
      workspace: createWorkspace({ folder: '/nonexistent', roots: [] }),
    },
  })
  return countTokens(system) + countTokens(JSON.stringify([...tools.values()].map(toolSchema)))
}

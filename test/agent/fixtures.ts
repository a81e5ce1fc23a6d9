import * as z from 'zod'
import type { ToolCall } from '../../src/agent/session.ts'
import { type ChangeTool, defineChange, type Preview } from '../../src/tools/tool.ts'

/** A change to a pretended deployment: `ran` gets the name at each run. */
export function restart(
  options: { ran?: string[]; preview?: () => Preview; run?: () => Promise<string> } = {},
): ChangeTool {
  return defineChange({
    name: 'restart',
    description: 'Restart a deployment.',
    input: z.object({ name: z.string() }),
    effect: 'change',
    summary: ({ name }) => `restart deployment shop/${name}`,
    target: ({ name }) => ({ kind: 'Deployment', namespace: 'shop', name }),
    preflight: async () => (options.preview ?? restartPreview)(),
    async run({ name }) {
      options.ran?.push(name)
      return options.run ? options.run() : `restarted ${name}`
    },
  })
}

export function restartPreview(version = 'v1'): Preview {
  return {
    request: {
      method: 'PATCH',
      path: '/apis/apps/v1/namespaces/shop/deployments/api',
      contentType: 'application/json',
      body: '{}',
    },
    diff: '+ restartedAt: now',
    affects: ['3 pods'],
    version,
  }
}

export const restartCall = (id: string, name = 'api'): ToolCall => ({
  id,
  type: 'function',
  function: { name: 'restart', arguments: JSON.stringify({ name }) },
})

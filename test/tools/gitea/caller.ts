import assert from 'node:assert/strict'
import { pino } from 'pino'
import type { Preview, Tool, ToolContext } from '../../../src/tools/tool.ts'

export interface Caller {
  /** Runs a read, or a change as if people had approved what its preflight showed. */
  call(name: string, args: object): Promise<string>
  /** What people would see. */
  preview(name: string, args: object): Promise<Preview>
  /** Runs what was shown earlier. */
  approve(name: string, args: object, approved: Preview): Promise<string>
}

/** Calls tools as the agent does: arguments through the schema, changes only with what was shown, and looked at again before. */
export function caller(
  tools: Iterable<Tool>,
  { signal, thread = 'thread', maxBytes = 14_000 }: Partial<ToolContext>,
): Caller {
  const known = new Map([...tools].map((tool) => [tool.name, tool]))
  const context: ToolContext = {
    signal: signal ?? AbortSignal.timeout(60_000),
    thread,
    maxBytes,
    log: pino({ level: 'silent' }),
  }
  const prepare = (name: string, args: object) => {
    const tool = known.get(name)
    assert.ok(tool, `no tool ${name}`)
    return { tool, input: tool.input.parse(args) }
  }

  const change = (name: string, args: object) => {
    const { tool, input } = prepare(name, args)
    assert.ok(tool.effect !== 'read', `${name} only reads`)
    return { tool, input }
  }

  async function preview(name: string, args: object): Promise<Preview> {
    const { tool, input } = change(name, args)
    tool.summary(input)
    await tool.target(input, context)
    return tool.preflight(input, context)
  }

  async function approve(name: string, args: object, approved: Preview): Promise<string> {
    const { tool, input } = change(name, args)
    assert.equal((await preview(name, args)).version, approved.version, 'the target changed')
    return tool.run(input, JSON.parse(JSON.stringify(approved)), context)
  }

  return {
    preview,
    approve,
    async call(name, args) {
      const { tool, input } = prepare(name, args)
      if (tool.effect !== 'read') return approve(name, args, await preview(name, args))
      tool.summary(input)
      return tool.run(input, context)
    },
  }
}

#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { ConfigError, flagNames, type LoadedConfig, loadConfig, settings } from './config.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

const usage = 2

const program = new Command('kube-agent')
  .description(
    'A ChatOps agent for closed networks. Every setting is a variable KUBE_AGENT_… too; see docs/configuration.md.',
  )
  .version(version, '--version')
  .helpOption('-h, --help')
  .option('--config <file>', 'YAML file (KUBE_AGENT_CONFIG)')
  .option('-l, --llm-url <url>', 'model server, `none` for rules and commands only')
  .option('-m, --llm-model <name>', 'model on that server')
  .option('--llm-api-key <key>', 'key for the model server')
  .option('-g, --gitea-url <url>', 'address of Gitea')
  .option('--gitea-token <token>', 'token for Gitea')
  .option('-n, --namespace <name>', 'namespace in which tools work')
  .option('--kube-context <name>', 'context of the kubeconfig')
  .option('-v, --verbose', 'log at level debug')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : usage))

program
  .command('serve', { isDefault: true })
  .description('connect the configured chats and work')
  .action(async () => {
    const { run } = await import('./commands/run.ts')
    await run(load(), version)
  })

program
  .command('config')
  .description('print the effective configuration and where each value comes from; secrets are masked')
  .action(async () => {
    const { printConfig } = await import('./commands/config.ts')
    const loaded = load()
    console.log(printConfig(loaded))
    for (const warning of loaded.warnings) console.error(`warning: ${warning}`)
  })

program
  .command('demo')
  .description('everything in a browser, on sandbox servers, with nothing installed')
  .option('--port <number>', 'port of the web room', '8080')
  .action(async ({ port }: { port: string }) => {
    const { demo } = await import('./commands/demo.ts')
    await demo({ port: Number(port), version, env: process.env })
  })

/** The configuration; what is wrong with it is one readable message and exit code 2. */
function load(): LoadedConfig {
  const options = program.opts<Record<string, string | boolean>>()
  const flags: Record<string, string> = options.verbose ? { 'log.level': 'debug' } : {}
  for (const { path } of settings) {
    const value = options[camel(flagNames[path] ?? path)]
    if (typeof value === 'string') flags[path] = value
  }
  try {
    return loadConfig({ env: process.env, flags, ...(typeof options.config === 'string' && { file: options.config }) })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(error.message)
    process.exit(usage)
  }
}

/** `llm.url` and `kube-context` as commander names them. */
const camel = (name: string): string => name.replace(/[.-]([a-z])/g, (_match, letter: string) => letter.toUpperCase())

await program.parseAsync()

#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { addCommands } from './commands/index.ts'
import { ConfigError, type LoadedConfig, loadConfig, settings } from './config/index.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

const wrongUse = 2

const program = new Command('kube-agent')
  .description(
    'A ChatOps agent for closed networks: looks into Kubernetes and Gitea, changes things after an approval.',
  )
  .usage('[options] [command]')
  .version(version, '--version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .helpCommand(false)
  .option('--config <file>', 'YAML file (KUBE_AGENT_CONFIG)')
  .option('-l, --llm-url <url>', 'model server; `none`: rules and commands only')
  .option('-m, --llm-model <name>', 'model on that server')
  .option('--llm-api-key <key>', 'its key; seen by everybody on this machine: better KUBE_AGENT_LLM_API_KEY_FILE')
  .option('-g, --gitea-url <url>', 'address of Gitea')
  .option('--gitea-token <token>', 'its token; better KUBE_AGENT_GITEA_TOKEN_FILE')
  .option('-n, --namespace <name>', 'namespace in which tools work')
  .option('--kube-context <name>', 'context of the kubeconfig')
  .option('-v, --verbose', 'log at level debug')
  .addHelpText(
    'after',
    `
Every setting is a variable, and all but the secrets are flags too: KUBE_AGENT_HTTP_PORT is --http-port. A flag wins over a
variable, a variable over the file, the file over the default. \`kube-agent config\` prints what holds and why;
docs/configuration.md explains each.

Exit codes: 0 ended as asked, 1 failed at work, 2 cannot start like this (wrong use or configuration, port or data in use).`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : wrongUse))

for (const { flag } of settings) {
  if (flag && !program.options.some(({ long }) => long === flag))
    program.addOption(new Option(`${flag} <value>`).hideHelp())
}

addCommands(program, { version, load })

/** The configuration, in which `more` comes first; what is wrong with it is one readable message and exit code 2. */
function load(more: Record<string, string> = {}): LoadedConfig {
  const { config: file, verbose, ...options } = program.opts<Record<string, string>>()
  const flags: Record<string, string> = {}
  for (const { path, flag } of settings) {
    const value = flag && options[camel(flag.slice(2))]
    if (value !== undefined) flags[path] = value
  }
  if (verbose) flags['log.level'] = 'debug'
  try {
    return loadConfig({ env: process.env, flags: { ...flags, ...more }, ...(file && { file }) })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(error.message)
    process.exit(wrongUse)
  }
}

/** `http-port` as commander names it. */
const camel = (name: string): string => name.replace(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase())

await program.parseAsync()

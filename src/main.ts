#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { AnalyzeFlags } from './commands/analyze/index.ts'
import type { ChatFlags } from './commands/chat/index.ts'
import type { WebhookFlags } from './commands/webhook/index.ts'
import { ConfigError, type LoadedConfig, loadConfig, settings } from './config/index.ts'
import { nearest } from './text/nearest.ts'
import { sentenceOf } from './text/sentence.ts'

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

program
  .command('chat', { isDefault: true })
  .description('talk in this terminal, or answer one question from a pipe (default)')
  .option('--resume [id]', 'go on with a conversation; without an id with the newest')
  .option('--sessions', 'print the conversations that can be resumed')
  .allowExcessArguments()
  .action(async (flags: ChatFlags, command: Command) => {
    refuseUnknown(command.args[0])
    const { chat } = await import('./commands/chat/index.ts')
    process.exit(await chat({ load, version, flags }))
  })

program
  .command('serve')
  .description('connect the configured chats and work')
  .action(async () => {
    const { run } = await import('./commands/serve.ts')
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
  .command('analyze')
  .description('look at the cluster by rules and print what is wrong')
  .option('-A, --all-namespaces', 'look at the whole cluster')
  .option('--filter <names>', 'only these analyzers, with commas; `all` for every one, `core` for the usual ones')
  .option('--label-selector <selector>', 'only what has these labels, or whose owner has')
  .option('--max-concurrency <number>', 'requests at the same time', toCount, 10)
  .addOption(new Option('-o, --output <format>', 'form of the report').choices(['text', 'json']).default('text'))
  .option('--with-doc', "add what the cluster's own schema says about the field")
  .option('--with-stat', 'print how long each analyzer took')
  .option('--explain', 'add an explanation by the model; --language ko for Korean')
  .option('--anonymize', 'tell the model pseudonyms instead of names')
  .option('--interactive', 'ask the model about the findings afterwards; needs a terminal')
  .addOption(
    new Option('--fail-on <severity>', 'exit with 3 when something this bad is found').choices(['error', 'warning']),
  )
  .action(async (options: AnalyzeFlags & { allNamespaces?: boolean }) => {
    const { runAnalyze, UsageError } = await import('./commands/analyze/index.ts')
    const { namespace } = program.opts<{ namespace?: string }>()
    const namespaces = options.allNamespaces ? '*' : namespace
    try {
      process.exitCode = await runAnalyze(load(namespaces ? { 'kubernetes.namespaces': namespaces } : {}), options)
    } catch (error) {
      if (error instanceof ConfigError) program.error(error.message)
      if (error instanceof UsageError) program.error(`error: ${error.message}`)
      throw error
    }
  })

program
  .command('demo')
  .description('everything in a browser, on sandbox servers, with nothing installed')
  .option('--port <number>', 'port of the web room', toPort, 8080)
  .action(async ({ port }: { port: number }) => {
    const { demo } = await import('./commands/demo.ts')
    await demo({ port, version, env: process.env })
  })

program
  .command('webhook')
  .description("set up Gitea's webhooks")
  .command('install')
  .description('make the webhook of a repository or an organisation, try it, and say what is in its way')
  .argument('<target>', 'owner/repository, or an organisation')
  .option('--url <address>', "the bot's address as Gitea reaches it (KUBE_AGENT_PUBLIC_URL)")
  .option('--remove', 'take it away again')
  .addHelpText(
    'after',
    "\n--gitea-token is that of an administrator; the bot's own usually may not. See docs/gitea.md.",
  )
  .action(async (target: string, flags: WebhookFlags) => {
    const { runWebhook } = await import('./commands/webhook/index.ts')
    try {
      process.exitCode = await runWebhook(load(), target, flags)
    } catch (error) {
      if (error instanceof ConfigError) program.error(error.message)
      console.error(`error: ${sentenceOf(error)}`)
      process.exitCode = 1
    }
  })

/** The default command is handed every word that is no command. */
function refuseUnknown(word: string | undefined): void {
  if (word === undefined) return
  const known = program.commands.map((command) => command.name())
  const [meant] = nearest(word, known, 1)
  program.error(
    `error: there is no command ${word}${meant ? `; did you mean ${meant}?` : ''} Commands: ${known.join(', ')}.`,
  )
}

function toCount(text: string): number {
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < 1 || count > 100)
    throw new InvalidArgumentError('Expected a number from 1 to 100.')
  return count
}

function toPort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('Expected a number from 0 to 65535.')
  return port
}

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

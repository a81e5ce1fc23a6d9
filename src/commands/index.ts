import { type Command, InvalidArgumentError, Option } from 'commander'
import { ConfigError, type LoadedConfig } from '../config/index.ts'
import { nearest } from '../text/nearest.ts'
import { sentenceOf } from '../text/sentence.ts'
import type { AnalyzeFlags } from './analyze/index.ts'
import type { ChatFlags } from './chat/index.ts'
import type { WebhookFlags } from './webhook/index.ts'

export interface Given {
  version: string
  /** The configuration, in which `more` comes first. Ends the process with a sentence when it is wrong. */
  load(more?: Record<string, string>): LoadedConfig
}

/** Every command, with what it takes. A command's own code is loaded when it runs: `--help` and a wrong word answer at once. */
export function addCommands(program: Command, { version, load }: Given): void {
  program
    .command('chat', { isDefault: true })
    .description('talk in this terminal, or answer one question from a pipe (default)')
    .option('--resume [id]', 'go on with a conversation; without an id with the newest')
    .option('--sessions', 'print the conversations that can be resumed')
    .allowExcessArguments()
    .action(async (flags: ChatFlags, command: Command) => {
      refuseUnknown(command.args[0], program)
      const { chat } = await import('./chat/index.ts')
      process.exit(await chat({ load, version, flags }))
    })

  program
    .command('serve')
    .description('connect the configured chats and work')
    .action(async () => {
      const { runServe } = await import('./serve.ts')
      await runServe(load(), version)
    })

  program
    .command('config')
    .description('print the effective configuration and where each value comes from; secrets are masked')
    .action(async () => {
      const { printConfig } = await import('./config.ts')
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
      const { runAnalyze, UsageError } = await import('./analyze/index.ts')
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
      const { demo } = await import('./demo.ts')
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
      const { runWebhook } = await import('./webhook/index.ts')
      try {
        process.exitCode = await runWebhook(load(), target, flags)
      } catch (error) {
        if (error instanceof ConfigError) program.error(error.message)
        console.error(`error: ${sentenceOf(error)}`)
        process.exitCode = 1
      }
    })
}

/** The default command is handed every word that is no command. */
function refuseUnknown(word: string | undefined, program: Command): void {
  if (word === undefined) return
  const known = program.commands.map((command) => command.name())
  const [meant] = nearest(word, known, 1)
  program.error(
    `error: there is no command ${word}${meant ? `; did you mean ${meant}?` : '.'} Commands: ${known.join(', ')}.`,
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

import { createWriteStream, mkdirSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { text as readAll } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { clean, cut } from '../../bot/terminal/clean.ts'
import { personOf, type TerminalOptions } from '../../bot/terminal/index.ts'
import { createPiped } from '../../bot/terminal/piped.ts'
import { createScreen } from '../../bot/terminal/screen.ts'
import { ConfigError, hidePassword, type LoadedConfig, secretsOf } from '../../config/index.ts'
import { createLog } from '../../log.ts'
import { type Served, serve } from '../../service/index.ts'
import { StorageError } from '../../storage/index.ts'
import { type Conversations, conversationsFolder, openConversations, type Told } from './conversations.ts'

export interface ChatFlags {
  /** A conversation's id; `true` for the newest. */
  resume?: string | true
  /** Print the conversations in place of beginning one. */
  sessions?: boolean
}

export interface ChatOptions {
  /** The configuration, with what holds at a terminal. */
  load(more: Record<string, string>): LoadedConfig
  version: string
  flags: ChatFlags
}

const graceMs = 5_000
const wrongUse = 2

/**
 * `kube-agent chat`: the conversation in a terminal, or one question from a pipe. Resolves to the exit code: 0 ended as asked, 1 the
 * question from the pipe could not be answered or something failed at work, 2 it cannot start like this.
 */
export async function chat({ load, version, flags }: ChatOptions): Promise<number> {
  const { stdin, stdout } = process
  const isInteractive = (stdin.isTTY && stdout.isTTY) ?? false
  const login = loginName()
  const loaded = load({ chat: 'terminal', approvers: personOf(login), ...(!isInteractive && { mode: 'observe' }) })
  const conversations = openConversations(conversationsFolder(loaded, process.env))
  if (flags.sessions) return printSessions(conversations.list())

  const resumed = flags.resume && find(flags.resume, conversations.list())
  if (typeof resumed === 'string') return refuse(resumed)
  try {
    return isInteractive
      ? await converse({ loaded, version, login, conversations, resumed })
      : await answerOnce({ loaded, version, login, conversations, resumed })
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof StorageError)) throw error
    const isOpen = resumed && error instanceof StorageError && /in use by another kube-agent/.test(error.message)
    return refuse(
      isOpen
        ? `Conversation ${resumed.id} is open in another terminal. End it there, or leave --resume away to begin a new one.`
        : error.message,
    )
  }
}

interface Parts {
  loaded: LoadedConfig
  version: string
  login: string
  conversations: Conversations
  resumed: Told | undefined | false
}

async function converse({ loaded, version, login, conversations, resumed }: Parts): Promise<number> {
  const id = resumed ? resumed.id : conversations.newId()
  const folder = conversations.folder(id)
  const { config } = loaded
  const opened = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<number>()
  let endings = 0
  const screen = createScreen({ input: process.stdin, output: process.stdout, history: conversations.history })
  onSignals((code) => ended.resolve(code))

  const served = await serve({
    loaded: atTerminal(loaded, folder),
    version,
    log: createLog({
      level: config.log.level,
      secrets: secretsOf(config),
      destination: logTo(folder, isVerbose(config) ? (line) => screen.print(line) : undefined),
    }),
    terminal: {
      conversation: id,
      person: login,
      ui: screen,
      opened: opened.promise,
      onEnd: () => (endings++ === 0 ? ended.resolve(0) : process.exit(1)),
      onSaid: (text) => conversations.note(id, text),
    },
  })
  served.failed.then((problem) => {
    screen.print(clean(problem))
    ended.resolve(1)
  })
  screen.open(await header(loaded, served, resumed))
  opened.resolve()
  const code = await ended.promise
  await served.close(graceMs)
  conversations.tidy(id)
  return code
}

async function answerOnce({ loaded, version, login, conversations, resumed }: Parts): Promise<number> {
  const question = (await readAll(process.stdin)).trim()
  if (question === '')
    return refuse(
      'There is no terminal, and nothing came in: pipe a question in (echo "…" | kube-agent chat), or give it a terminal (kubectl exec -it, docker run -it).',
    )
  const temporary = resumed ? undefined : await mkdtemp(join(tmpdir(), 'kube-agent-chat-'))
  const id = resumed ? resumed.id : 'piped'
  const ended = Promise.withResolvers<number>()
  const piped = createPiped({ question, output: process.stdout, errors: process.stderr })
  const { config } = loaded
  const terminal: Omit<TerminalOptions, 'positions'> = {
    conversation: id,
    person: login,
    ui: piped,
    opened: Promise.resolve(),
    onEnd: () => ended.resolve(piped.hasFailed() ? 1 : 0),
    ...(resumed && { onSaid: (text: string) => conversations.note(id, text) }),
  }
  onSignals((code) => ended.resolve(code))
  try {
    const served = await serve({
      loaded: atTerminal(loaded, temporary ?? conversations.folder(id)),
      version,
      log: createLog({
        level: config.log.level,
        secrets: secretsOf(config),
        destination: { write: (line) => void (isVerbose(config) && process.stderr.write(line)) },
      }),
      terminal,
    })
    served.failed.then((problem) => {
      console.error(clean(problem))
      ended.resolve(1)
    })
    const code = await ended.promise
    await served.close(graceMs)
    return code
  } finally {
    if (temporary) rmSync(temporary, { recursive: true, force: true })
  }
}

/** What holds at a terminal: no room for signals, and one person, who may also approve what destroys unless somebody said otherwise. */
function atTerminal({ config, origins, warnings }: LoadedConfig, dataDir: string): LoadedConfig {
  const { room: _room, ...rest } = config
  const destroyNeedsOther = origins['approvals.destroyNeedsOther'] ? config.approvals.destroyNeedsOther : false
  return {
    origins,
    warnings,
    config: { ...rest, users: [], dataDir, approvals: { ...config.approvals, destroyNeedsOther } },
  }
}

async function header(
  { config }: LoadedConfig,
  { servers }: Served,
  resumed: Told | undefined | false,
): Promise<string> {
  const gitea = servers.gitea && config.gitea.url
  return [
    '-- kube-agent --',
    await modelLine(config, servers),
    servers.model ? `Model:            ${servers.model.name}` : '',
    `Namespace:        ${servers.cluster?.namespace ?? 'no cluster: set KUBECONFIG or KUBE_AGENT_CONTEXT'}`,
    `Gitea:            ${gitea ? hidePassword(gitea) : 'not set'}`,
    config.mode === 'observe' ? 'Mode:             observe: changes nothing' : '',
    resumed ? `Conversation:     ${resumed.id}, ${ago(resumed.at)}` : '',
  ]
    .filter(Boolean)
    .map(clean)
    .concat('', 'Type your message and press Enter. Ctrl+C to cancel, Ctrl+D to exit.', '')
    .join('\n')
}

const probeMs = 3_000

/** Says that it is connected only when the server has just answered. */
async function modelLine({ llm }: LoadedConfig['config'], { model }: Served['servers']): Promise<string> {
  if (!model) return 'LLM:              none: rules and commands only'
  await Promise.race([model.window(), pause(probeMs, undefined, { ref: false })])
  const { state, detail } = model.health()
  const url = hidePassword(llm.url)
  if (state === 'ready') return `Connected to LLM: ${url}`
  return state === 'unreachable' ? `LLM not reached:  ${url}: ${detail}` : `LLM:              ${url}`
}

function find(wanted: string | true, known: Told[]): Told | string {
  const found = wanted === true ? known[0] : known.find(({ id }) => id === wanted)
  if (found) return found
  if (known.length === 0) return 'There is no conversation to resume yet.'
  return `There is no conversation ${clean(String(wanted))}. \`kube-agent chat --sessions\` lists them; the newest is ${known[0]?.id}.`
}

function printSessions(known: Told[]): number {
  if (known.length === 0) console.log('There is no conversation yet. `kube-agent` begins one.')
  const width = process.stdout.columns ?? 100
  for (const { id, title, at } of known) console.log(cut(`${id}  ${ago(at).padEnd(14)}  ${clean(title)}`, width))
  return 0
}

const units: [name: Intl.RelativeTimeFormatUnit, ms: number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]

function ago(at: number): string {
  const passed = Date.now() - at
  const [unit, ms] = units.find(([, size]) => passed >= size) ?? ['minute', 60_000]
  return new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(-Math.floor(passed / ms), unit)
}

/** The log of a conversation, the audit in it, lies beside its data; with `-v` it stands on the screen too. */
function logTo(folder: string, show: ((line: string) => void) | undefined): { write(line: string): void } {
  let file: ReturnType<typeof createWriteStream> | undefined
  return {
    write(line) {
      if (!file) {
        mkdirSync(folder, { recursive: true, mode: 0o700 })
        file = createWriteStream(join(folder, 'kube-agent.log'), { flags: 'a', mode: 0o600 })
        // A full disk ends the log, not the conversation.
        file.on('error', () => {})
      }
      file.write(line)
      show?.(clean(line.trimEnd()))
    },
  }
}

const isVerbose = ({ log }: LoadedConfig['config']): boolean => log.level === 'debug' || log.level === 'trace'

function loginName(): string {
  const name = nameOfUser()
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, '')
  return name.slice(0, 32) || 'you'
}

/** A container may run under a number that nobody has a name for. */
function nameOfUser(): string {
  try {
    return userInfo().username
  } catch {
    return process.env.USER ?? ''
  }
}

const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

function onSignals(end: (code: number) => void): void {
  for (const [signal, code] of Object.entries(signals)) process.once(signal, () => end(code))
}

function refuse(sentence: string): number {
  console.error(sentence)
  return wrongUse
}

import { readFileSync } from 'node:fs'
import { parse as parseYaml } from 'yaml'
import * as z from 'zod'
import { nearest } from './nearest.ts'

const url = z
  .string()
  .refine((text) => /^https?:\/\/[^\s]+$/.test(text) && URL.canParse(text), 'an http:// or https:// address')
const list = z.array(z.string().min(1))
const count = z.int().min(0)
const positive = z.int().min(1)
const namespaceName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'a namespace name (lower-case letters, digits, dashes)')

/** The whole configuration. The descriptions become docs/configuration.md. Lists are comma-separated in variables. */
export const Config = z.strictObject({
  chat: z
    .array(z.enum(['matrix', 'mattermost', 'web', 'terminal']))
    .default([])
    .describe('Where people talk to the bot; several with commas.'),
  room: z
    .string()
    .optional()
    .describe('Where signals open threads: Matrix alias or room id, Mattermost `team/channel`.'),
  approvers: list.default([]).describe('Who may approve changes, by user id (`@alice:corp`). Empty: nobody.'),
  users: list
    .default([])
    .describe('Who may talk to the bot, by user id or `*:server`. Empty: the members of its rooms.'),
  mode: z
    .enum(['observe', 'approve', 'auto'])
    .default('approve')
    .describe('`observe` never changes anything, `auto` runs what the allow-list names without asking.'),
  caFile: z.string().optional().describe('Extra CA certificates (PEM) for every outgoing connection.'),
  dataDir: z.string().min(1).default('./data').describe('SQLite and working files.'),
  language: z
    .enum(['auto', 'en', 'ko'])
    .default('auto')
    .describe("Language of the bot's own sentences; `auto` is that of the asker."),
  matrix: z
    .strictObject({
      url: url.optional().describe('Address of the homeserver.'),
      token: z.string().optional().describe("The bot's access token."),
    })
    .prefault({}),
  mattermost: z
    .strictObject({
      url: url.optional().describe('Address of the server; it may have a path.'),
      token: z.string().optional().describe("The bot's token."),
    })
    .prefault({}),
  llm: z
    .strictObject({
      url: z
        .union([z.literal('none'), url])
        .default('http://litellm.litellm.svc.cluster.local:4000/v1')
        .describe('OpenAI-compatible model server; `none`: rules and direct commands only.'),
      model: z.string().min(1).default('gpt-4o').describe('Name of the model on that server.'),
      apiKey: z.string().default('no-key').describe('Key for the model server.'),
      context: positive.optional().describe('Window in tokens; asked from the server, else 32768.'),
      firstTokenSeconds: positive.default(600).describe('How long the first token may take.'),
      tokenSeconds: positive.default(60).describe('How long may pass between two tokens.'),
    })
    .prefault({}),
  kubernetes: z
    .strictObject({
      kubeconfig: z.string().optional().describe('Path of the kubeconfig.'),
      context: z.string().optional().describe('Context of the kubeconfig; the current one by default.'),
      namespace: namespaceName
        .optional()
        .describe("Where tools work when none is named; in a pod its own, else the context's, else `default`."),
      namespaces: z
        .array(z.union([z.literal('*'), namespaceName]))
        .optional()
        .describe('Namespaces that the tools may touch; `*` for all. The one above by default.'),
      protectedNamespaces: z
        .array(namespaceName)
        .default(['kube-system', 'kube-public', 'kube-node-lease'])
        .describe("Namespaces in which nothing is changed; the bot's own is always one."),
      maxReplicas: count.default(50).describe('Largest number of replicas that may be asked for.'),
    })
    .prefault({}),
  gitea: z
    .strictObject({
      url: url.optional().describe('Address of Gitea; it may have a path.'),
      token: z.string().optional().describe('Access token for the API.'),
      webhookSecret: list
        .default([])
        .describe('Secrets of the webhooks, several while they are rotated. Without one the route does not exist.'),
    })
    .prefault({}),
  http: z
    .strictObject({
      host: z.string().default('0.0.0.0').describe('Address that the HTTP port listens on.'),
      port: z.int().min(0).max(65_535).default(8080).describe('Webhooks, health, metrics and the web room.'),
    })
    .prefault({}),
  web: z
    .strictObject({
      token: z
        .string()
        .min(8)
        .optional()
        .describe('Login token of the web room; without one it is served to loopback only.'),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
        .default('info')
        .describe('What is logged.'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      toolCalls: positive.default(30).describe('Tool calls in one request.'),
      nudges: count.default(5).describe('How often an unfinished answer is nudged on in one request.'),
      minutes: positive.default(15).describe('Working time of one request, without waiting for people.'),
      tokens: positive.default(1_000_000).describe('Tokens of one request, prompt and answer together.'),
    })
    .prefault({}),
  approvals: z
    .strictObject({
      minutes: z.number().positive().default(30).describe('How long a prompt waits for a decision.'),
      destroyQuorum: positive.default(1).describe('How many people have to approve what destroys something.'),
      destroyNeedsOther: z
        .boolean()
        .default(true)
        .describe('Whether somebody other than the asker has to approve what destroys something.'),
      recoverySeconds: z
        .array(z.number().positive())
        .default([30, 300])
        .describe('When the workload is looked at after a change.'),
    })
    .prefault({}),
  auto: z
    .array(z.strictObject({ tool: z.string(), namespace: z.string(), name: z.string() }))
    .default([])
    .describe('What mode `auto` may do without asking: tool, namespace, name; `*` stands for any. YAML only.'),
  signals: z
    .strictObject({
      pushBranches: list
        .default(['default'])
        .describe('Branches whose pushes open threads: `default` and patterns such as `release/*`.'),
      continueMinutes: positive.default(60).describe('How long further pushes to a branch continue its thread.'),
    })
    .prefault({}),
})
export type Config = z.output<typeof Config>

/** Where a value came from, in words: `variable KUBE_AGENT_ROOM`. */
export type Origins = Record<string, string>

export interface LoadedConfig {
  config: Config
  origins: Origins
  warnings: string[]
}

/** Everything that is wrong with the configuration, a line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: string[]

  constructor(problems: string[]) {
    super(`The configuration is wrong:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

/** A setting, found by walking the schema. `path` is dotted; secrets never come from the YAML file. */
export interface Setting {
  path: string
  variable: string | undefined
  secret: boolean
  description: string
  schema: z.ZodType
}

/** Names that do not follow from the path; they are a contract with charts and scripts. */
const variableNames: Record<string, string> = {
  'kubernetes.kubeconfig': 'KUBECONFIG',
  'kubernetes.context': 'KUBE_AGENT_CONTEXT',
  'kubernetes.namespace': 'KUBE_AGENT_NAMESPACE',
  'kubernetes.namespaces': 'KUBE_AGENT_NAMESPACES',
}

const secretEnding = /(Token|Key|Secret)$/i

export const settings: Setting[] = walk(Config, [])

function walk(schema: z.ZodObject, path: string[]): Setting[] {
  return Object.entries(schema.shape).flatMap(([key, value]) => {
    const inner = unwrap(value as z.ZodType)
    if (inner instanceof z.ZodObject) return walk(inner, [...path, key])
    const dotted = [...path, key].join('.')
    return [
      {
        path: dotted,
        variable:
          dotted === 'auto'
            ? undefined
            : (variableNames[dotted] ?? `KUBE_AGENT_${[...path, key].map(upperSnake).join('_')}`),
        secret: secretEnding.test(key),
        description: (value as z.ZodType).description ?? '',
        schema: value as z.ZodType,
      },
    ]
  })
}

function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) {
    return unwrap(schema.unwrap() as z.ZodType)
  }
  return schema
}

function upperSnake(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
}

/**
 * Reads the configuration: flag over variable over file over default. `flags` are by dotted path. Throws `ConfigError` that names
 * everything that is wrong at once.
 */
export function loadConfig({
  file,
  env,
  flags = {},
}: {
  file?: string
  env: NodeJS.ProcessEnv
  flags?: Record<string, string>
}): LoadedConfig {
  const problems: string[] = []
  const origins: Origins = {}
  const given: Record<string, unknown> = {}

  const path = file ?? env.KUBE_AGENT_CONFIG
  if (path) fromFile(path, given, origins, problems)
  fromEnvironment(env, given, origins, problems)
  for (const [key, value] of Object.entries(flags)) put(key, value, `flag ${flagName(key)}`, given, origins)

  const tree = nest(given)
  const parsed = Config.safeParse(tree)
  if (!parsed.success) problems.push(...parsed.error.issues.map((issue) => describe(issue, given, origins)))
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems)
  const missing = missingParts(parsed.data)
  if (missing.length > 0) throw new ConfigError(missing)
  return { config: parsed.data, origins, warnings: doubts(parsed.data) }
}

function fromFile(path: string, given: Record<string, unknown>, origins: Origins, problems: string[]): void {
  let tree: unknown
  try {
    tree = parseYaml(readFileSync(path, 'utf8')) ?? {}
  } catch (error) {
    problems.push(`${path}: ${error instanceof Error ? error.message : String(error)}`)
    return
  }
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) {
    problems.push(`${path}: expected keys with values, as in docs/configuration.md`)
    return
  }
  for (const [key, value] of flatten(tree as Record<string, unknown>, [])) {
    const setting = settings.find((one) => one.path === key)
    if (!setting)
      problems.push(
        `${path}: unknown key ${key}${meant(
          key,
          settings.map((one) => one.path),
        )}`,
      )
    else if (setting.secret)
      problems.push(
        `${path}: ${key} is a secret and does not belong into the file; set ${setting.variable} or ${setting.variable}_FILE`,
      )
    else put(key, value, `file ${path}`, given, origins)
  }
}

/** Leaves by dotted path; what the schema knows as a group is walked into. */
function flatten(tree: Record<string, unknown>, path: string[]): [string, unknown][] {
  return Object.entries(tree).flatMap(([key, value]): [string, unknown][] => {
    const dotted = [...path, key].join('.')
    const isGroup = settings.some((setting) => setting.path.startsWith(`${dotted}.`))
    if (isGroup && typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return flatten(value as Record<string, unknown>, [...path, key])
    }
    return [[dotted, value]]
  })
}

function fromEnvironment(
  env: NodeJS.ProcessEnv,
  given: Record<string, unknown>,
  origins: Origins,
  problems: string[],
): void {
  const known = new Set(['KUBE_AGENT_CONFIG'])
  for (const setting of settings) {
    if (!setting.variable) continue
    known.add(setting.variable)
    const value = env[setting.variable]
    if (value !== undefined && value !== '') put(setting.path, value, `variable ${setting.variable}`, given, origins)
    if (!setting.secret) continue

    const fileVariable = `${setting.variable}_FILE`
    known.add(fileVariable)
    const file = env[fileVariable]
    if (!file) continue
    if (value) {
      problems.push(`${setting.variable} and ${fileVariable} are both set; keep one`)
      continue
    }
    try {
      put(
        setting.path,
        readFileSync(file, 'utf8').replace(/\r?\n$/, ''),
        `file ${file} (${fileVariable})`,
        given,
        origins,
      )
    } catch (error) {
      problems.push(`${fileVariable}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  for (const name of Object.keys(env)) {
    if (name.startsWith('KUBE_AGENT_') && !known.has(name))
      problems.push(`unknown variable ${name}${meant(name, [...known])}`)
  }
}

function meant(name: string, known: string[]): string {
  const [closest] = nearest(name, known, 1)
  return closest ? `; did you mean ${closest}?` : ''
}

function put(path: string, value: unknown, origin: string, given: Record<string, unknown>, origins: Origins): void {
  const setting = settings.find((one) => one.path === path)
  given[path] = setting && typeof value === 'string' ? fromText(value, setting.schema) : value
  origins[path] = origin
}

/** Variables and flags are text; the schema says what the text stands for. What does not fit is left for the schema to refuse. */
function fromText(text: string, schema: z.ZodType): unknown {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodArray) {
    const parts = text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean)
    return inner.element instanceof z.ZodNumber ? parts.map(number) : parts
  }
  if (inner instanceof z.ZodNumber) return number(text)
  if (inner instanceof z.ZodBoolean && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

const number = (text: string): unknown => (text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text)

function nest(given: Record<string, unknown>): Record<string, unknown> {
  const tree: Record<string, unknown> = {}
  for (const [path, value] of Object.entries(given)) {
    const keys = path.split('.')
    const last = keys.pop() as string
    let node = tree
    for (const key of keys) node = (node[key] ??= {}) as Record<string, unknown>
    node[last] = value
  }
  return tree
}

/** Names the key, where it came from, what was given and what is expected. */
function describe(issue: z.core.$ZodIssue, given: Record<string, unknown>, origins: Origins): string {
  const path = issue.path.map(String)
  const setting = settings.find((one) => path.join('.') === one.path || path.join('.').startsWith(`${one.path}.`))
  const key = setting?.path ?? path.join('.')
  const value = given[key]
  const shown = setting?.secret ? '********' : JSON.stringify(value)
  return `${key}${origins[key] ? ` (${origins[key]})` : ''}: given ${shown}, expected ${expectation(issue)}`
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`
    case 'invalid_type':
      return issue.expected
    case 'too_small':
      return `at least ${issue.minimum}${issue.origin === 'string' ? ' characters' : ''}`
    case 'too_big':
      return `at most ${issue.maximum}`
    case 'invalid_union':
      return issue.errors.map((errors) => errors.map(expectation).join(' and ')).join(', or ')
    default:
      return issue.message
  }
}

/** What a chosen part cannot do without. */
function missingParts(config: Config): string[] {
  const missing: string[] = []
  for (const name of ['matrix', 'mattermost'] as const) {
    if (!config.chat.includes(name)) continue
    for (const key of ['url', 'token'] as const) {
      if (!config[name][key])
        missing.push(
          `${name}.${key} is missing: chat ${name} needs KUBE_AGENT_${name.toUpperCase()}_${key.toUpperCase()}`,
        )
    }
  }
  return missing
}

function doubts(config: Config): string[] {
  const warnings: string[] = []
  if (config.mode !== 'observe' && config.approvers.length === 0) {
    warnings.push('KUBE_AGENT_APPROVERS is empty: nobody can approve changes, so none will happen.')
  }
  if (config.gitea.webhookSecret.length > 0 && !config.room) {
    warnings.push('KUBE_AGENT_ROOM is empty: webhooks are taken, but no thread can be opened for them.')
  }
  return warnings
}

const flagName = (path: string): string =>
  `--${flagNames[path] ?? path.replaceAll('.', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

/** Flags of the command line that set a value, by path; the others are spelt like the path. */
export const flagNames: Record<string, string> = {
  'kubernetes.namespace': 'namespace',
  'kubernetes.context': 'kube-context',
  'llm.apiKey': 'llm-api-key',
}

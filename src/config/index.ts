import type * as z from 'zod'
import { Config } from './schema.ts'
import { hidePassword, settings } from './settings.ts'
import { type Found, fromEnvironment, fromFile, fromFlags, type Given } from './sources.ts'

export type { Config } from './schema.ts'
export { hidePassword, type Setting, secretsOf, settings, valueAt } from './settings.ts'

export interface LoadedConfig {
  config: Config
  /** Where each value that was set came from, by dotted path and in words: `variable KUBE_AGENT_ROOM`. */
  origins: Record<string, string>
  /** What is allowed but probably not meant, a sentence each. */
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

/** Runs what can only fail because of what the configuration says. */
export function asConfigured<Result>(work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw new ConfigError([(error as Error).message])
  }
}

/**
 * Reads the configuration: flag over variable over file over default. `flags` are by dotted path. Throws `ConfigError` that names
 * everything that is wrong at once.
 */
export function loadConfig(sources: {
  file?: string
  env: NodeJS.ProcessEnv
  flags?: Record<string, string>
}): LoadedConfig {
  const { env, flags = {} } = sources
  const file = sources.file ?? env.KUBE_AGENT_CONFIG
  const found: Found[] = [...(file ? [fromFile(file)] : []), fromEnvironment(env), fromFlags(flags)]
  const given = new Map(found.flatMap((one) => [...one.given]))
  const problems = found.flatMap((one) => one.problems)

  const parsed = Config.safeParse(nest(given))
  if (!parsed.success) problems.push(...parsed.error.issues.map((issue) => describe(issue, given)))
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems)
  const missing = missingParts(parsed.data)
  if (missing.length > 0) throw new ConfigError(missing)

  const origins = Object.fromEntries([...given].map(([path, { origin }]) => [path, origin]))
  return { config: parsed.data, origins, warnings: doubts(parsed.data) }
}

function nest(given: Map<string, Given>): Record<string, unknown> {
  const tree: Record<string, unknown> = {}
  for (const [path, { value }] of given) {
    const keys = path.split('.')
    const last = keys.pop() as string
    let node = tree
    for (const key of keys) node = (node[key] ??= {}) as Record<string, unknown>
    node[last] = value
  }
  return tree
}

/** Names the key, where its value came from, what was given and what is expected. */
function describe(issue: z.core.$ZodIssue, given: Map<string, Given>): string {
  const place = issue.path.map(String).join('.')
  const setting = settings.find(({ path }) => place === path || place.startsWith(`${path}.`))
  const key = setting?.path ?? place
  const { value, origin } = given.get(key) ?? {}
  const shown = setting?.secret ? '********' : hidePassword(JSON.stringify(value) ?? 'nothing')
  return `${key}${origin ? ` (${origin})` : ''}: given ${shown}, expected ${expectation(issue)}`
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`
    case 'invalid_type':
      return articles[issue.expected] ?? issue.expected
    case 'too_small':
      return `${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${issue.origin === 'string' ? ' characters' : ''}`
    case 'too_big':
      return `at most ${issue.maximum}`
    case 'invalid_union':
      return issue.errors.map((errors) => errors.map(expectation).join(' and ')).join(', or ')
    case 'unrecognized_keys':
      return `no key ${issue.keys.join(', ')}`
    default:
      return issue.message
  }
}

const articles: Record<string, string> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  array: 'a list',
  object: 'a group',
}

/** What a chosen part cannot do without. */
function missingParts(config: Config): string[] {
  const chosen = (['matrix', 'mattermost'] as const).filter((name) => config.chat.includes(name))
  return chosen.flatMap((name) =>
    (['url', 'token'] as const)
      .filter((key) => !config[name][key])
      .map(
        (key) => `${name}.${key} is missing: chat ${name} needs KUBE_AGENT_${name.toUpperCase()}_${key.toUpperCase()}`,
      ),
  )
}

const shortSecret = 16

function doubts({ mode, approvers, auto, room, gitea, kubernetes: { namespace, namespaces } }: Config): string[] {
  const warnings: string[] = []
  if (mode !== 'observe' && approvers.length === 0)
    warnings.push('KUBE_AGENT_APPROVERS is empty: nobody can approve changes, so none will happen.')
  if (mode === 'auto' && auto.length === 0)
    warnings.push('Mode auto has an empty allow-list (auto in the file): everything asks, as in mode approve.')
  if (gitea.webhookSecret.length > 0 && !room)
    warnings.push('KUBE_AGENT_ROOM is empty: webhooks are taken, but no thread can be opened for them.')
  if (gitea.webhookSecret.some((secret) => secret.length < shortSecret))
    warnings.push(
      `A webhook secret has fewer than ${shortSecret} characters: whoever guesses it can write into the room.`,
    )
  if (Boolean(gitea.url) !== Boolean(gitea.token))
    warnings.push(
      'Of KUBE_AGENT_GITEA_URL and KUBE_AGENT_GITEA_TOKEN only one is set: Gitea is not asked for anything.',
    )
  if (namespace && namespaces && !namespaces.includes('*') && !namespaces.includes(namespace))
    warnings.push(
      `KUBE_AGENT_NAMESPACE ${namespace} is not among KUBE_AGENT_NAMESPACES: tools that name none will be refused.`,
    )
  return warnings
}

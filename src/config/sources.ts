import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { nearest } from '../text/nearest.ts'
import { sentenceOf } from '../text/sentence.ts'
import { fromText, type Setting, settingAt, settings } from './settings.ts'

/** A value that somebody set, and where: `variable KUBE_AGENT_ROOM`. */
export interface Given {
  value: unknown
  origin: string
}

/** What was found in one place, by dotted path, and what is wrong with it. */
export interface Found {
  given: Map<string, Given>
  problems: string[]
}

/** The YAML file. Secrets do not belong there; a key without a value is as good as none. */
export function fromFile(path: string): Found {
  const found: Found = { given: new Map(), problems: [] }
  const tree = readYaml(path, found)
  for (const [key, value] of flatten(tree, [])) {
    if (value === null) continue
    const setting = settingAt(key)
    if (!setting) found.problems.push(`${path}: ${unknownKey(key, value)}`)
    else if (setting.secret) found.problems.push(`${path}: ${misplaced(setting)}`)
    else
      found.given.set(key, {
        value: typeof value === 'string' ? fromText(value, setting.schema) : value,
        origin: `file ${path}`,
      })
  }
  return found
}

function readYaml(path: string, { problems }: Found): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    problems.push(`${path}: ${sentenceOf(error)}`)
    return {}
  }
  const document = parseDocument(text)
  // Only the first line: the rest shows the text around the place, which may hold what should not be shown.
  const wrong = [...document.errors, ...document.warnings].map(({ message }) =>
    message.split('\n')[0]?.replace(/:$/, ''),
  )
  problems.push(...wrong.map((message) => `${path}: ${message}`))
  if (wrong.length > 0) return {}
  const tree: unknown = document.toJS() ?? {}
  if (isGroup(tree)) return tree
  problems.push(`${path}: expected keys with values, as in docs/configuration.md`)
  return {}
}

/** Leaves by dotted path; what the schema knows as a group is walked into. */
function flatten(tree: Record<string, unknown>, path: string[]): [string, unknown][] {
  return Object.entries(tree).flatMap(([key, value]): [string, unknown][] => {
    const keys = [...path, key]
    return keysOf(keys.join('.')).length > 0 && isGroup(value) ? flatten(value, keys) : [[keys.join('.'), value]]
  })
}

const isGroup = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The paths of the settings in a group. */
const keysOf = (group: string): string[] =>
  settings.map(({ path }) => path).filter((path) => path.startsWith(`${group}.`))

function unknownKey(key: string, value: unknown): string {
  const inside = keysOf(key)
  if (inside.length === 0)
    return `unknown key ${key}${meant(
      key,
      settings.map(({ path }) => path),
    )}`
  return `${key}: given ${JSON.stringify(value)}, expected a group with ${inside.join(', ')}`
}

const misplaced = ({ path, variable }: Setting): string =>
  `${path} is a secret and does not belong into the file; set ${variable} or ${variable}_FILE`

/** `KUBE_AGENT_*` and `KUBECONFIG`; an empty variable is as good as none. */
export function fromEnvironment(env: NodeJS.ProcessEnv): Found {
  const found: Found = { given: new Map(), problems: [] }
  const known = new Set(['KUBE_AGENT_CONFIG'])
  for (const setting of settings) {
    const { variable, secret } = setting
    if (!variable) continue
    known.add(variable)
    fromVariable(setting, variable, env, found)
    if (!secret) continue
    known.add(`${variable}_FILE`)
    fromSecretFile(setting, variable, env, found)
  }
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('KUBE_AGENT_') || known.has(name) || isServiceLink(name, value)) continue
    found.problems.push(`unknown variable ${name}${meant(name, [...known])}`)
  }
  return found
}

function fromVariable({ path, schema }: Setting, variable: string, env: NodeJS.ProcessEnv, { given }: Found): void {
  const text = env[variable]
  if (text === undefined || text === '' || isServiceLink(variable, text)) return
  given.set(path, { value: fromText(text, schema), origin: `variable ${variable}` })
}

function fromSecretFile(setting: Setting, variable: string, env: NodeJS.ProcessEnv, { given, problems }: Found): void {
  const name = `${variable}_FILE`
  const file = env[name]
  if (!file) return
  if (env[variable]) {
    problems.push(`${variable} and ${name} are both set; keep one`)
    return
  }
  try {
    const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    if (text === '') problems.push(`${name}: ${file} is empty`)
    given.set(setting.path, { value: fromText(text, setting.schema), origin: `file ${file} (${name})` })
  } catch (error) {
    problems.push(`${name}: ${sentenceOf(error)}`)
  }
}

/**
 * Kubernetes tells every pod about every Service of its namespace: one named `kube-agent` becomes `KUBE_AGENT_SERVICE_HOST`,
 * `KUBE_AGENT_PORT=tcp://10.0.0.7:8080` and more, one named `kube-agent-http` even `KUBE_AGENT_HTTP_PORT`. Those are not meant for us.
 */
function isServiceLink(name: string, value = ''): boolean {
  return (
    /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)/.test(name) ||
    (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value))
  )
}

/** Flags of the command line, by dotted path. */
export function fromFlags(flags: Record<string, string>): Found {
  const given = Object.entries(flags).map(([path, text]): [string, Given] => {
    const setting = settingAt(path)
    return [path, { value: setting ? fromText(text, setting.schema) : text, origin: `flag ${setting?.flag ?? path}` }]
  })
  return { given: new Map(given), problems: [] }
}

function meant(name: string, known: string[]): string {
  const [closest] = nearest(name, known, 1)
  return closest ? `; did you mean ${closest}?` : ''
}

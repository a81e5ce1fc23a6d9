import * as z from 'zod'
import { Config } from './schema.ts'

/** A value that can be set, found by walking the schema. */
export interface Setting {
  /** Where it stands in the configuration, dotted: `http.port`. */
  path: string
  /** Without one it can be set in the file only. */
  variable: string | undefined
  /** Without one it cannot be set on the command line. */
  flag: string | undefined
  /** Comes from a variable or a file of its own, never from the YAML file, and is never shown. */
  secret: boolean
  description: string
  schema: z.ZodType
}

/** Names that do not follow from the path; they are a contract with charts and scripts. */
const variableNames: Record<string, string | undefined> = {
  'http.publicUrl': 'KUBE_AGENT_PUBLIC_URL',
  'kubernetes.kubeconfig': 'KUBECONFIG',
  'kubernetes.context': 'KUBE_AGENT_CONTEXT',
  'kubernetes.namespace': 'KUBE_AGENT_NAMESPACE',
  'kubernetes.namespaces': 'KUBE_AGENT_NAMESPACES',
}
const flagNames: Record<string, string> = {
  'http.publicUrl': 'public-url',
  'kubernetes.kubeconfig': 'kubeconfig',
  'kubernetes.context': 'kube-context',
  'kubernetes.namespace': 'namespace',
  'kubernetes.namespaces': 'namespaces',
}
const fileOnly = ['auto', 'analyzers']
/** A command line can be read by everybody on the machine, so other secrets have no flag. */
const secretsWithFlag = ['llm.apiKey', 'gitea.token']

/** Every setting there is, in the order of the schema. */
export const settings: Setting[] = walk(Config, [])

export const settingAt = (path: string): Setting | undefined => settings.find((setting) => setting.path === path)

function walk(schema: z.ZodObject, parents: string[]): Setting[] {
  return Object.entries(schema.shape).flatMap(([key, value]) => {
    const inner = unwrap(value as z.ZodType)
    const keys = [...parents, key]
    return inner instanceof z.ZodObject ? walk(inner, keys) : [toSetting(keys, value as z.ZodType)]
  })
}

function toSetting(keys: string[], schema: z.ZodType): Setting {
  const path = keys.join('.')
  const secret = /(Token|Key|Secret)$/i.test(path)
  const isOutside = !fileOnly.includes(path)
  const hasFlag = isOutside && (!secret || secretsWithFlag.includes(path))
  return {
    path,
    variable: isOutside ? (variableNames[path] ?? `KUBE_AGENT_${keys.map(upperSnake).join('_')}`) : undefined,
    flag: hasFlag ? `--${flagNames[path] ?? keys.map(kebab).join('-')}` : undefined,
    secret,
    description: schema.description ?? '',
    schema,
  }
}

/** The schema behind `default`, `prefault` and `optional`. */
export function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) {
    return unwrap(schema.unwrap() as z.ZodType)
  }
  return schema
}

function upperSnake(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
}

function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/**
 * Variables and flags are text; the schema says what the text stands for. What does not fit stays text, for the schema to refuse.
 */
export function fromText(text: string, schema: z.ZodType): unknown {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodArray) {
    const parts = text
      .split(/[,\n]/)
      .map((part) => part.trim())
      .filter(Boolean)
    return inner.element instanceof z.ZodNumber ? parts.map(toNumber) : parts
  }
  if (inner instanceof z.ZodNumber) return toNumber(text)
  if (inner instanceof z.ZodBoolean && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

const toNumber = (text: string): unknown => (text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text)

/** Every secret that is set, for the log to leave out. */
export function secretsOf(config: Config): string[] {
  return settings
    .filter(({ secret }) => secret)
    .flatMap(({ path }) => (valueAt(config, path) as string | string[]) ?? [])
}

export function valueAt(config: object, path: string): unknown {
  return path.split('.').reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], config)
}

/** An address may carry a password. */
export const hidePassword = (text: string): string => text.replaceAll(/\/\/[^/@\s"]*@/g, '//********@')

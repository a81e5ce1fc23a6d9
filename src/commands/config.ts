import { type LoadedConfig, settings } from '../config.ts'

/** The effective configuration as text: a line a setting, with where it came from. Secrets are masked. */
export function printConfig({ config, origins }: LoadedConfig): string {
  const rows = settings.map((setting) => ({
    path: setting.path,
    value: show(valueAt(config, setting.path), setting.secret),
    origin: origins[setting.path] ?? 'default',
  }))
  const width = (key: 'path' | 'value') => Math.min(60, Math.max(...rows.map((row) => row[key].length)))
  return rows
    .map((row) => `${row.path.padEnd(width('path'))}  ${row.value.padEnd(width('value'))}  ${row.origin}`)
    .join('\n')
}

function valueAt(config: object, path: string): unknown {
  return path.split('.').reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], config)
}

function show(value: unknown, secret: boolean): string {
  if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) return '–'
  if (secret) return '********'
  if (Array.isArray(value))
    return value.map((item) => (typeof item === 'object' ? JSON.stringify(item) : String(item))).join(',')
  // An address may carry a password.
  return String(value).replace(/\/\/[^/@\s]*@/, '//********@')
}

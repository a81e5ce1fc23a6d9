import { hidePassword, type LoadedConfig, settings, valueAt } from '../config/index.ts'

/** The effective configuration as text: a line a setting, with where it came from. Secrets are masked. */
export function printConfig({ config, origins }: LoadedConfig): string {
  const rows = settings.map(({ path, secret }) => ({
    path,
    value: show(valueAt(config, path), secret),
    origin: origins[path] ?? 'default',
  }))
  const width = (key: 'path' | 'value') => Math.min(60, Math.max(...rows.map((row) => row[key].length)))
  return rows
    .map((row) => `${row.path.padEnd(width('path'))}  ${row.value.padEnd(width('value'))}  ${row.origin}`)
    .join('\n')
}

function show(value: unknown, secret: boolean): string {
  if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) return '–'
  if (secret) return '********'
  if (Array.isArray(value))
    return value.map((item) => (typeof item === 'object' ? JSON.stringify(item) : String(item))).join(',')
  return hidePassword(String(value))
}

import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a model has said, kept from run to run. */
export interface Answers {
  get(key: string): Promise<string | undefined>
  set(key: string, text: string): Promise<void>
}

export const keyOf = (parts: unknown[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex')

const keptMs = 30 * 24 * 60 * 60_000

/**
 * One file an answer, so that any number of processes may use the directory at once. A directory that cannot be used is no reason to
 * stop: `warn` is told once, and every answer is asked for.
 */
export function createAnswers(
  directory: string,
  { warn, now = Date.now }: { warn: (sentence: string) => void; now?: () => number },
): Answers {
  let warned = false
  let tidied = false
  const fileOf = (key: string) => join(directory, `${key}.json`)

  return {
    async get(key) {
      try {
        const { at, text } = JSON.parse(await readFile(fileOf(key), 'utf8')) as { at?: unknown; text?: unknown }
        if (typeof text === 'string' && typeof at === 'number' && now() - at < keptMs) return text
        await rm(fileOf(key), { force: true })
      } catch {
        // Not there, or half a file of another time: asked anew.
      }
      return undefined
    },
    async set(key, text) {
      const fresh = `${fileOf(key)}.${randomUUID()}`
      try {
        // What stands here is about somebody's cluster.
        await mkdir(directory, { recursive: true, mode: 0o700 })
        await writeFile(fresh, JSON.stringify({ at: now(), text }), { mode: 0o600 })
        await rename(fresh, fileOf(key))
        if (!tidied) await tidy(directory, now() - keptMs)
        tidied = true
      } catch (error) {
        if (!warned) warn(`Explanations cannot be kept in ${directory}: ${(error as Error).message}`)
        warned = true
      }
    },
  }
}

/** What nobody asks for any more would stay for ever. */
async function tidy(directory: string, before: number): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    // Another process may be at it.
    const written = await stat(path).catch(() => undefined)
    if (written && written.mtimeMs < before) await rm(path, { force: true })
  }
}

/** The key of the pseudonyms, made at its first use. Where none can be kept, one for this run. */
export function pseudonymKey(dataDir: string): Buffer {
  const file = join(dataDir, 'pseudonyms.key')
  const fresh = randomBytes(32)
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    writeFileSync(file, fresh, { mode: 0o600, flag: 'wx' })
    return fresh
  } catch {
    return keptKey(file) ?? fresh
  }
}

function keptKey(file: string): Buffer | undefined {
  try {
    const key = readFileSync(file)
    return key.length >= 16 ? key : undefined
  } catch {
    return undefined
  }
}

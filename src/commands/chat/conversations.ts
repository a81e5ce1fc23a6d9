import { randomInt } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { LoadedConfig } from '../../config/index.ts'

/** A terminal conversation that can be taken up again. */
export interface Told {
  id: string
  /** What was asked first, in one line. */
  title: string
  /** When something was said last, in milliseconds since the epoch. */
  at: number
}

/** The terminal conversations of this user: a folder each, so that several terminals do not stand in each other's way. */
export interface Conversations {
  /** The newest first. */
  list(): Told[]
  /** The folder of a conversation's data; made by who writes there. */
  folder(id: string): string
  newId(): string
  /** Remembers that something was said. */
  note(id: string, text: string): void
  /** Removes a conversation in which nothing was said, and those that are old and beyond the number that is kept. */
  tidy(id: string): void
  history: { lines: string[]; keep(lines: string[]): void }
}

const kept = 50
const keptMs = 30 * 24 * 60 * 60_000
const letters = 'abcdefghijkmnpqrstuvwxyz23456789'

/**
 * Where the terminal keeps its conversations: below the configured data directory, else where the user's programs keep their state. Never
 * in that directory itself, which a running `serve` holds.
 */
export function conversationsFolder({ config, origins }: LoadedConfig, env: NodeJS.ProcessEnv): string {
  if (origins.dataDir) return join(config.dataDir, 'terminal')
  return join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'kube-agent')
}

export function openConversations(root: string, now: () => number = Date.now): Conversations {
  const folder = (id: string) => join(root, 'conversations', id)
  const about = (id: string) => join(folder(id), 'about.json')
  const historyFile = join(root, 'history.json')

  function read(id: string): Told | undefined {
    const told = readJson(about(id)) as Partial<Told> | undefined
    if (typeof told?.title !== 'string' || typeof told.at !== 'number') return undefined
    return { id, title: told.title, at: told.at }
  }

  const list = (): Told[] =>
    names(join(root, 'conversations'))
      .flatMap((id) => read(id) ?? [])
      .sort((a, b) => b.at - a.at)

  return {
    list,
    folder,
    newId: () => Array.from({ length: 6 }, () => letters[randomInt(letters.length)]).join(''),
    note(id, text) {
      const line = text.replaceAll(/\s+/g, ' ').trim()
      writePrivate(about(id), { title: read(id)?.title ?? [...line].slice(0, 120).join(''), at: now() })
    },
    tidy(id) {
      if (!read(id)) rmSync(folder(id), { recursive: true, force: true })
      for (const old of list().slice(kept))
        if (old.at < now() - keptMs) rmSync(folder(old.id), { recursive: true, force: true })
    },
    history: {
      lines: strings(readJson(historyFile)),
      keep(lines) {
        try {
          writePrivate(historyFile, lines)
        } catch {
          // A conversation is not worth less because its lines cannot be recalled in the next one.
        }
      },
    },
  }
}

function names(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []

function writePrivate(path: string, value: unknown): void {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 })
  writeFileSync(path, JSON.stringify(value), { mode: 0o600 })
}

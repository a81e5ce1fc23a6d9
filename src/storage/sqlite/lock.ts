import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sentenceOf } from '../../text/sentence.ts'
import { StorageError } from '../index.ts'

export interface Lock {
  release(): void
}

/**
 * Makes the directory if it is missing, and keeps other processes out of it. The lock is SQLite's own, on a file of its own: it ends
 * with the process, also after SIGKILL. Throws `StorageError`.
 */
export function lock(directory: string): Lock {
  const owner = join(directory, 'owner.json')
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const database = new DatabaseSync(join(directory, 'lock.sqlite'))
    database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS lock (id INTEGER); COMMIT',
    )
    database.exec('BEGIN EXCLUSIVE')
    writeFileSync(owner, JSON.stringify({ pid: process.pid, host: hostname() }))
    return { release: () => database.close() }
  } catch (error) {
    if (/locked/i.test(sentenceOf(error))) {
      throw new StorageError(
        `The data directory ${directory} is in use by another kube-agent (${ownerOf(owner)}). Stop that one, or give this one a directory of its own with KUBE_AGENT_DATA_DIR.`,
        { cause: error },
      )
    }
    throw new StorageError(
      `The data directory ${directory} cannot be used: ${sentenceOf(error)}. It has to exist or be creatable, and be writable for this user (KUBE_AGENT_DATA_DIR).`,
      { cause: error },
    )
  }
}

function ownerOf(file: string): string {
  try {
    const { pid, host } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; host: string }
    return `process ${pid} on ${host}`
  } catch {
    return 'owner unknown'
  }
}

import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const folder = join(import.meta.dirname, '..', 'golden')

/** Compares with `test/golden/<name>`; `UPDATE_GOLDEN=1 npm run test:fast` writes what is there now, for a look at the diff. */
export async function matchesGolden(name: string, text: string): Promise<void> {
  const path = join(folder, name)
  const now = `${text.trimEnd()}\n`
  if (process.env.UPDATE_GOLDEN) {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, now)
    return
  }
  const golden = await readFile(path, 'utf8').catch(() => '')
  assert.equal(now, golden, `test/golden/${name} differs. If this is meant: UPDATE_GOLDEN=1, and look at the diff.`)
}

import { git, lines } from './git.ts'
import { knownImages } from './sample.ts'
import type { WorkflowJob } from './workflow.ts'

export interface Ran {
  conclusion: 'success' | 'failure'
  steps: { name: string; conclusion: 'success' | 'failure' | 'skipped' }[]
  log: string
}

/**
 * Runs a job on the files of a commit, and writes the log that Gitea's runner writes. Of the shell it knows `echo`, `exit`,
 * `test -f`, `grep -q`, and the sandbox's own `./check-images`, which really looks whether the registry has every image; other
 * lines do nothing.
 */
export async function runJob(directory: string, sha: string, { name, steps }: WorkflowJob): Promise<Ran> {
  const output: string[] = []
  const done: Ran['steps'] = []
  let code = 0
  for (const [index, step] of steps.entries()) {
    if (code !== 0) {
      done.push({ name: step.name, conclusion: 'skipped' })
      continue
    }
    if (index === 0) output.push(`Run Main ${step.name}`)
    const commands = step.script.split('\n')
    output.push(`::group::Run ${commands[0]}`, ...commands, '::endgroup::')
    for (const command of commands) {
      const result = await run(directory, sha, command.trim())
      output.push(...result.output)
      code = result.code
      if (code !== 0 || /^exit\b/.test(command.trim())) break
    }
    if (code !== 0) output.push(`##[error]Process completed with exit code ${code}.`)
    done.push({ name: step.name, conclusion: code === 0 ? 'success' : 'failure' })
  }
  output.push(`Cleaning up container for job ${name}`)
  output.push(...(code === 0 ? ['Job succeeded'] : ['Job failed', `Job '${name}' failed`]))
  const log = output.map((line) => `${new Date().toISOString().replace('Z', '0000Z')} ${line}\n`).join('')
  return { conclusion: code === 0 ? 'success' : 'failure', steps: done, log }
}

async function run(directory: string, sha: string, command: string): Promise<{ code: number; output: string[] }> {
  const [program, ...args] = command.split(/\s+/)
  const file = (path = '') => git(directory, ['show', `${sha}:${path}`]).catch(() => undefined)
  if (program === 'echo') return { code: 0, output: [command.slice(5).replaceAll(/^["']|["']$/g, '')] }
  if (program === 'exit') return { code: Number(args[0] ?? 0), output: [] }
  if (program === 'test' && args[0] === '-f') return { code: (await file(args[1])) === undefined ? 1 : 0, output: [] }
  if (program === 'grep' && args[0] === '-q') {
    const text = await file(args.at(-1))
    const wanted = args
      .slice(1, -1)
      .join(' ')
      .replaceAll(/^["']|["']$/g, '')
    if (text === undefined) return { code: 2, output: [`grep: ${args.at(-1)}: No such file or directory`] }
    return { code: text.includes(wanted) ? 0 : 1, output: [] }
  }
  if (program === './check-images') return checkImages(directory, sha)
  return { code: 0, output: [] }
}

async function checkImages(directory: string, sha: string): Promise<{ code: number; output: string[] }> {
  const files = lines(await git(directory, ['ls-tree', '-r', '--name-only', sha, 'deploy/']))
  const images = await Promise.all(
    files.map(async (file) => {
      const text = await git(directory, ['show', `${sha}:${file}`])
      return [...text.matchAll(/image: (\S+)/g)].map(([, image = '']) => ({ file, image }))
    }),
  )
  const results = images.flat().map(({ file, image }) => ({ file, image, isKnown: knownImages.includes(image) }))
  const output = results.map(({ file, image, isKnown }) =>
    isKnown ? `${file}: ${image} ok` : `${file}: ${image}: manifest unknown: the registry has no such tag`,
  )
  return { code: results.every(({ isKnown }) => isKnown) ? 0 : 1, output }
}

import { parse } from 'yaml'
import { z } from 'zod'
import { git, lines } from './git.ts'

export interface Workflow {
  /** `ci.yml` */
  file: string
  name: string
  jobs: WorkflowJob[]
}

export interface WorkflowJob {
  name: string
  /** Jobs that have to succeed before. */
  needs: string[]
  steps: { name: string; script: string }[]
}

const listed = z.union([z.string().transform((one) => [one]), z.array(z.string())])

const File = z.object({
  name: z.string().optional(),
  jobs: z.record(
    z.string(),
    z.object({
      needs: listed.optional(),
      steps: z.array(z.object({ name: z.string().optional(), run: z.string() })).min(1),
    }),
  ),
})

const folder = '.gitea/workflows/'

/** What a push of this commit starts. A file that is no workflow starts nothing, and nobody is told: Gitea does the same. */
export async function workflowsOf(directory: string, sha: string): Promise<Workflow[]> {
  const files = lines(await git(directory, ['ls-tree', '-r', '--name-only', sha, folder]))
  const all = await Promise.all(files.map((file) => workflowIn(directory, sha, file)))
  return all.filter((workflow) => workflow !== undefined)
}

async function workflowIn(directory: string, sha: string, path: string): Promise<Workflow | undefined> {
  try {
    const { name, jobs } = File.parse(parse(await git(directory, ['show', `${sha}:${path}`])))
    const file = path.slice(folder.length)
    const shaped = Object.entries(jobs).map(([job, { needs = [], steps }]) => ({
      name: job,
      needs,
      steps: steps.map(({ name: step, run }) => ({ name: step ?? `Run ${run.split('\n')[0]}`, script: run.trim() })),
    }))
    return { file, name: name ?? file, jobs: shaped }
  } catch {
    return undefined
  }
}

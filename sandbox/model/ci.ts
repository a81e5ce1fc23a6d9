import { withoutLetters } from './diagnosis.ts'
import type { Call, Move } from './engineer.ts'
import type { Result, Shown } from './reading.ts'
import { words } from './words.ts'

/** A CI failure: reads the run, the log of the job that failed and the file that it names, and proposes what the log calls for. */
export function decideCi(shown: Shown): Move {
  const { owner = '', repo = '', line = '', run = 0 } = subjectOf(shown.topic.text)
  const text = words[shown.language]
  const at = { owner, repo }
  const result = (tool: string) => shown.results.find((one) => one.tool === tool)

  const proposed = result('gitea_propose_change')
  if (proposed) return say(reportOf(proposed, shown))
  const ran = result('gitea_get_run')
  if (!ran) return look([{ tool: 'gitea_get_run', input: { ...at, run } }], shown)
  const job = Number(/^job (\d+) .*: failure$/m.exec(ran.text)?.[1] ?? Number.NaN)
  const log = result('gitea_get_job_log')
  if (!log)
    return Number.isNaN(job)
      ? say(text.ciUnclear())
      : look([{ tool: 'gitea_get_job_log', input: { ...at, job } }], shown)

  const [sentence = '', path = '', image = ''] = /^(\S+): (\S+): manifest unknown.*$/m.exec(log.text) ?? []
  const meant = withoutLetters(image)
  if (!sentence || meant === image) return say(text.ciUnclear(log.number))
  const file = result('gitea_read_file')
  if (!file) return look([{ tool: 'gitea_read_file', input: { ...at, path, ref: line } }], shown)
  if (!file.text.includes(image)) return say(text.ciUnclear(file.number))

  const finding = text.ciFinding({ sentence, image, meant, log: log.number, file: file.number, path })
  if (!shown.offered.has('gitea_propose_change') || /read only/.test(shown.topic.text)) return say(finding)
  const content = `${file.text.replaceAll(image, meant).replace(/\n*$/, '')}\n`
  const title = `Use ${meant.replace(/^.*\//, '')} in ${path}`
  const change = { ...at, title, body: `The job says: ${sentence}`, files: [{ path, content }], base: line }
  return { kind: 'call', text: finding, calls: [{ tool: 'gitea_propose_change', input: change }] }
}

/** What failed, as it was handed over: data between fences. */
function subjectOf(text: string): { owner?: string; repo?: string; line?: string; run?: number } {
  try {
    const json = /(`{3,})ci\n([\s\S]*?)\n\1/.exec(text)?.[2] ?? '{}'
    const { repository, line, run } = JSON.parse(json) as { repository: string; line: string; run: number }
    const [owner = '', repo = ''] = repository.split('/')
    return { owner, repo, line, run }
  } catch {
    return {}
  }
}

function reportOf({ text, number }: Result, { language }: Shown): string {
  const sentence = words[language]
  const pull = /pull request (#\d+) was opened: (\S+)/.exec(text)
  if (pull) return sentence.ciProposed(pull[1] ?? '', number)
  const [, by] = /^Denied by (@?[^\s:]+(?::[^\s:.]+)*)/.exec(text) ?? []
  return by ? sentence.ciDenied(by) : sentence.ciNotProposed(text.split('\n')[0] ?? '', number)
}

function look(calls: Call[], { offered, language }: Shown): Move {
  const possible = calls.filter(({ tool }) => offered.has(tool))
  return possible.length > 0 ? { kind: 'call', calls: possible } : say(words[language].cannotLook)
}

const say = (text: string): Move => ({ kind: 'say', text })

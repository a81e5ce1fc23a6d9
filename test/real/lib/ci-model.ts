import { type Asked, calls, type Reply, says } from '../../helpers/model-server.ts'
import { oncall } from './oncall-model.ts'

/** Plays an engineer who mends a broken test script: looks at the run, reads its log and the file, proposes the fix, and says what was found. */
export function ciEngineer(asked: Asked): Reply {
  const from = asked.messages.findLastIndex(
    (message) => message.role === 'user' && /^CI failed/.test(String(message.content)),
  )
  if (from < 0) return oncall(asked)
  const told = String(asked.messages[from]?.content)
  const since = asked.messages.slice(from + 1)
  const called = since.flatMap((message) => message.tool_calls ?? []).map((call) => call.function.name)
  const results = since.filter((message) => message.role === 'tool').map((message) => String(message.content))
  const [, owner = '', repo = ''] = /"repository": "([^/"]+)\/([^"]+)"/.exec(told) ?? []
  const run = Number(/"run": (\d+)/.exec(told)?.[1])
  const at = { owner, repo }

  if (/read only/.test(told) && called.length === 0) return calls(['gitea_rerun', { ...at, run }])
  if (called.length === 0) return calls(['gitea_get_run', { ...at, run }])
  if (called.length === 1 && called[0] === 'gitea_get_run') {
    const job = Number(/job (\d+) .*: failure/.exec(results[0] ?? '')?.[1])
    return calls(['gitea_get_job_log', { ...at, job }], ['gitea_read_file', { ...at, path: 'test.sh' }])
  }
  if (!called.includes('gitea_propose_change') && /expected 4, got 5/.test(results.join('\n')))
    return calls([
      'gitea_propose_change',
      {
        ...at,
        title: 'Let the test expect what the code gives',
        body: 'The log says: expected 4, got 5.',
        files: [{ path: 'test.sh', content: 'echo all 3 tests passed\n' }],
      },
    ])
  return says(
    `Cause: test.sh expects the wrong number. ${/pull request #\d+ was opened/.exec(results.at(-1) ?? '')?.[0] ?? 'Nothing was proposed'}.`,
  )
}

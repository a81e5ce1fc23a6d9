import { type Asked, calls, type Reply, says } from '../../helpers/model-server.ts'

/**
 * Plays a model by a few honest rules on what it is shown: "restart api web" looks at each deployment, asks for the restarts and reports what
 * came back; anything else is answered with the sentences it was told since its last answer.
 */
export function oncall(asked: Asked): Reply {
  const answered = asked.messages.findLastIndex((message) => message.role === 'assistant' && !message.tool_calls)
  const since = asked.messages.slice(answered + 1)
  const said = since.filter((message) => message.role === 'user').map((message) => String(message.content))
  const results = since.filter((message) => message.role === 'tool').map((message) => String(message.content))
  const names = /restart ([a-z ]+)$/
    .exec(said.at(-1) ?? '')?.[1]
    ?.trim()
    .split(' ')
  const after = since.slice(since.findLastIndex((message) => message.role === 'user') + 1)
  const calledNow = after.flatMap((message) => message.tool_calls ?? []).map((call) => call.function.name)

  if (names && !calledNow.includes('k8s_get_deployment'))
    return calls(...names.map((name): [string, object] => ['k8s_get_deployment', { name }]))
  if (names && !calledNow.includes('k8s_restart_deployment'))
    return calls(...names.map((name): [string, object] => ['k8s_restart_deployment', { name }]))
  if (names) return says(`Report: ${results.slice(-names.length).map(outcomeOf).join('; ')}.`)
  return says(`You said: ${said.map((text) => text.replace(/^.*?\): /s, '')).join(' | ')}.`)
}

function outcomeOf(result: string): string {
  if (/began/.test(result)) return 'restarted'
  if (/Denied/.test(result)) return `denied${/Denied by [^:]*:[^:]*: ([^.]*)/.exec(result)?.[1] ?? ''}`
  if (/Nobody decided/.test(result)) return 'nobody decided'
  if (/outcome is unknown/.test(result)) return 'outcome unknown'
  return `not done (${result.split('\n').at(-1)})`
}

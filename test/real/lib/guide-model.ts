import { type Asked, calls, type Reply, says } from '../../helpers/model-server.ts'

const configMap = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-checkout
data:
  DATABASE_URL: {{ .Values.databaseUrl | quote }}
`

/** Plays the engineer of the guide: reads the log of the broken app, clones its chart, reads it, writes two files, commits and pushes. */
export function chartEngineer(asked: Asked): Reply {
  const said = asked.messages.findLast((message) => message.role === 'user')
  const [, repository = ''] = /chart (?:is )?in (\S+\/\S+)/.exec(String(said?.content)) ?? []
  const results = asked.messages.filter((message) => message.role === 'tool').map((message) => String(message.content))
  const called = asked.messages.flatMap((message) => message.tool_calls ?? []).length
  const values = /```file_read\n([\s\S]*?)\n```/.exec(results.join('\n'))?.[1] ?? ''
  const steps: [name: string, input: object][] = [
    ['k8s_list_pods', { namespace: 'payments' }],
    ['k8s_get_pod_logs', { namespace: 'payments', name: /checkout-api-\S+/.exec(results[0] ?? '')?.[0] ?? '' }],
    ['gitea_clone_repo', { repo_url: repository, path: '/tmp/chart' }],
    ['file_read', { path: '/tmp/chart/values.yaml' }],
    ['file_write', { path: '/tmp/chart/templates/configmap.yaml', content: configMap }],
    [
      'file_write',
      { path: '/tmp/chart/values.yaml', content: `${values}\ndatabaseUrl: postgres://db.payments/checkout\n` },
    ],
    ['gitea_commit_and_push', { path: '/tmp/chart', message: 'Give checkout its DATABASE_URL' }],
  ]
  const step = steps[called]
  if (step) return calls(step)
  const cause = /panic: (\w+ is not set)/.exec(results.join('\n'))?.[1] ?? 'nothing found'
  return says(
    `Done. The log says “${cause}”. ${/Commit \w+ was pushed/.exec(results.at(-1) ?? '')?.[0] ?? 'Nothing was pushed'}.`,
  )
}

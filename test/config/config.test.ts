import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { printConfig } from '../../src/commands/config.ts'
import { ConfigError, loadConfig, secretsOf, settings } from '../../src/config/index.ts'

function write(t: TestContext, name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'kube-agent-config-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

function problemsOf(load: () => unknown): string {
  try {
    load()
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.message
  }
  return assert.fail('expected a ConfigError')
}

test('without anything the defaults hold', () => {
  const { config } = loadConfig({ env: {} })

  assert.equal(config.llm.url, 'http://litellm.litellm.svc.cluster.local:4000/v1')
  assert.equal(config.mode, 'approve')
  assert.deepEqual(config.approvers, [])
  assert.equal(config.http.port, 8080)
})

test('every variable of the contract exists', () => {
  const contract = `CHAT MATRIX_URL MATRIX_TOKEN MATTERMOST_URL MATTERMOST_TOKEN ROOM APPROVERS USERS MODE LLM_URL LLM_MODEL LLM_API_KEY
    LLM_CONTEXT CA_FILE NAMESPACE NAMESPACES CONTEXT GITEA_URL GITEA_TOKEN GITEA_WEBHOOK_SECRET HTTP_HOST HTTP_PORT WEB_TOKEN DATA_DIR
    LOG_LEVEL LANGUAGE`
  const names = settings.map((setting) => setting.variable)

  for (const name of contract.split(/\s+/)) assert.ok(names.includes(`KUBE_AGENT_${name}`), name)
  assert.ok(names.includes('KUBECONFIG'))
})

test('a flag wins over a variable, a variable over the file, the file over the default', (t) => {
  const file = write(t, 'config.yaml', 'mode: observe\nllm: { model: from-file, context: 1000 }\nhttp: { port: 1 }\n')
  const env = { KUBE_AGENT_LLM_MODEL: 'from-variable', KUBE_AGENT_HTTP_PORT: '2' }

  const { config, origins } = loadConfig({ file, env, flags: { 'http.port': '3' } })

  assert.deepEqual(
    [config.mode, config.llm.model, config.http.port, config.llm.context],
    ['observe', 'from-variable', 3, 1000],
  )
  assert.equal(origins['llm.model'], 'variable KUBE_AGENT_LLM_MODEL')
  assert.equal(origins['http.port'], 'flag --http-port')
  assert.equal(origins.mode, `file ${file}`)
})

test('lists are split at commas and trimmed', () => {
  const { config } = loadConfig({
    env: { KUBE_AGENT_APPROVERS: '@alice:corp, @bob:corp ,', KUBE_AGENT_NAMESPACES: 'shop,*' },
  })

  assert.deepEqual(config.approvers, ['@alice:corp', '@bob:corp'])
  assert.deepEqual(config.kubernetes.namespaces, ['shop', '*'])
})

test('all problems are told at once, with key, origin, given and expected', (t) => {
  const file = write(t, 'config.yaml', 'mdoe: auto\nhttp: { prot: 80 }\nmode: maybe\n')
  const env = { KUBE_AGENT_HTTP_PORT: 'eighty', KUBE_AGENT_LLM_MODLE: 'x', KUBE_AGENT_GITEA_URL: 'gitea.corp' }

  const message = problemsOf(() => loadConfig({ file, env }))

  assert.match(message, /unknown key mdoe; did you mean mode\?/)
  assert.match(message, /unknown key http\.prot; did you mean http\.port\?/)
  assert.match(message, /mode \(file .*\): given "maybe", expected one of observe, approve, auto/)
  assert.match(message, /http\.port \(variable KUBE_AGENT_HTTP_PORT\): given "eighty", expected a number/)
  assert.match(message, /unknown variable KUBE_AGENT_LLM_MODLE; did you mean KUBE_AGENT_LLM_MODEL\?/)
  assert.match(message, /gitea\.url .*given "gitea\.corp", expected an http:\/\/ or https:\/\/ address/)
})

test('a secret comes from a variable or from a file, never from both and never from the YAML', (t) => {
  const secret = write(t, 'token', 'syt_abc\n')
  const env = { KUBE_AGENT_MATRIX_TOKEN_FILE: secret }

  assert.equal(loadConfig({ env }).config.matrix.token, 'syt_abc')
  assert.match(
    problemsOf(() => loadConfig({ env: { ...env, KUBE_AGENT_MATRIX_TOKEN: 'x' } })),
    /both set/,
  )
  const file = write(t, 'config.yaml', 'gitea: { token: s3cret }\n')
  const message = problemsOf(() => loadConfig({ file, env: {} }))
  assert.match(message, /gitea\.token is a secret.*KUBE_AGENT_GITEA_TOKEN_FILE/)
  assert.doesNotMatch(message, /s3cret/)
})

test('a wrong secret is not shown in the message', () => {
  assert.doesNotMatch(
    problemsOf(() => loadConfig({ env: { KUBE_AGENT_WEB_TOKEN: 'tiny' } })),
    /tiny/,
  )
})

test('a chat without its address and token is refused with the names of the variables', () => {
  const message = problemsOf(() => loadConfig({ env: { KUBE_AGENT_CHAT: 'matrix' } }))

  assert.match(message, /KUBE_AGENT_MATRIX_URL/)
  assert.match(message, /KUBE_AGENT_MATRIX_TOKEN/)
})

test('a file that is no YAML, or not there, is named', (t) => {
  assert.match(
    problemsOf(() => loadConfig({ file: write(t, 'a.yaml', '- just\n- a list\n'), env: {} })),
    /expected keys/,
  )
  assert.match(
    problemsOf(() => loadConfig({ file: '/nowhere/config.yaml', env: {} })),
    /\/nowhere\/config\.yaml/,
  )
})

test('the printed configuration masks secrets and says where values come from', () => {
  const env = { KUBE_AGENT_LLM_API_KEY: 'sk-very-secret', KUBE_AGENT_GITEA_URL: 'https://user:pass@git.corp/gitea' }

  const text = printConfig(loadConfig({ env }))

  assert.doesNotMatch(text, /sk-very-secret|user:pass/)
  assert.match(text, /llm\.apiKey\s+\*{8}\s+variable KUBE_AGENT_LLM_API_KEY/)
  assert.match(text, /mode\s+approve\s+default/)
})

test('variables that Kubernetes makes from Services called like the bot are not meant for it', () => {
  const env = {
    KUBE_AGENT_SERVICE_HOST: '10.0.0.7',
    KUBE_AGENT_SERVICE_PORT: '8080',
    KUBE_AGENT_SERVICE_PORT_HTTP: '8080',
    KUBE_AGENT_PORT: 'tcp://10.0.0.7:8080',
    KUBE_AGENT_PORT_8080_TCP: 'tcp://10.0.0.7:8080',
    KUBE_AGENT_PORT_8080_TCP_ADDR: '10.0.0.7',
    KUBE_AGENT_HTTP_PORT: 'tcp://10.0.0.8:80',
    KUBE_AGENT_HTTP_SERVICE_HOST: '10.0.0.8',
  }

  assert.equal(loadConfig({ env }).config.http.port, 8080)
})

test('a file in which groups and keys are left empty holds the defaults', (t) => {
  const file = write(t, 'config.yaml', 'room:\nmatrix:\nllm:\n  model:\n')

  const { config } = loadConfig({ file, env: {} })

  assert.deepEqual([config.room, config.llm.model], [undefined, 'gpt-4o'])
})

test('a value in the place of a group is refused with the keys that the group has', (t) => {
  const file = write(t, 'config.yaml', 'http: 8080\n')

  assert.match(
    problemsOf(() => loadConfig({ file, env: {} })),
    /http: given 8080, expected a group with http\.host, http\.port/,
  )
})

test('an unknown key inside an allow-list entry is named', (t) => {
  const file = write(t, 'config.yaml', 'auto: [{ tool: a, namespace: b, name: c, kind: d }]\n')

  assert.match(
    problemsOf(() => loadConfig({ file, env: {} })),
    /auto .*expected no key kind/,
  )
})

test('a file that cannot be parsed is told by its line, without what stands there', (t) => {
  const file = write(t, 'config.yaml', 'room: ops\ngitea: { token: s3cret\nmode: : x\n')

  const message = problemsOf(() => loadConfig({ file, env: {} }))

  assert.match(message, /config\.yaml: .* at line \d/)
  assert.doesNotMatch(message, /s3cret/)
})

test('a tag that YAML does not know is an error, not the text behind it', (t) => {
  const file = write(t, 'config.yaml', 'room: !vault ops\n')

  assert.match(
    problemsOf(() => loadConfig({ file, env: {} })),
    /!vault/,
  )
})

for (const { variable, secret } of settings) {
  if (!secret) continue
  test(`${variable} can be read from a file, and an empty file is refused`, (t) => {
    const full = write(t, 'secret', 'long-enough-for-all\r\n')
    const empty = write(t, 'secret', '\n')

    const { config } = loadConfig({ env: { [`${variable}_FILE`]: full } })

    assert.deepEqual(
      secretsOf(config).filter((one) => one !== 'no-key'),
      ['long-enough-for-all'],
    )
    assert.match(
      problemsOf(() => loadConfig({ env: { [`${variable}_FILE`]: empty } })),
      new RegExp(`${variable}_FILE: .* is empty`),
    )
  })
}

test('webhook secrets are split at commas and lines; one that is easy to guess is warned about', () => {
  const long = 'a-secret-that-is-long-enough'
  const load = (text: string) => loadConfig({ env: { KUBE_AGENT_ROOM: 'ops', KUBE_AGENT_GITEA_WEBHOOK_SECRET: text } })

  assert.deepEqual(load(`${long},${long}2\n${long}3`).config.gitea.webhookSecret, [long, `${long}2`, `${long}3`])
  assert.doesNotMatch(load(long).warnings.join(), /webhook secret/)
  assert.match(load(`${long},short`).warnings.join(), /webhook secret has fewer than 16 characters/)
})

test('a token with a line break in it is refused here, not by the server', () => {
  assert.match(
    problemsOf(() => loadConfig({ env: { KUBE_AGENT_GITEA_TOKEN: 'abc\ndef' } })),
    /gitea\.token .*given \*{8}, expected printable characters without spaces or line breaks/,
  )
})

test('a password in a wrong address is not shown', () => {
  const message = problemsOf(() => loadConfig({ env: { KUBE_AGENT_GITEA_URL: 'ftp://bot:pa55word@git.corp' } }))

  assert.match(message, /gitea\.url/)
  assert.doesNotMatch(message, /pa55word/)
})

test('a chat named twice is refused', () => {
  assert.match(
    problemsOf(() => loadConfig({ env: { KUBE_AGENT_CHAT: 'web,web' } })),
    /chat .*expected each chat once/,
  )
})

test('every setting but the secrets and the allow-list is a flag, no two of them the same', () => {
  const flags = settings.flatMap(({ flag }) => flag ?? [])
  const without = settings.filter(({ flag }) => flag === undefined).map(({ path }) => path)

  assert.equal(new Set(flags).size, flags.length)
  assert.deepEqual(without, [
    'matrix.token',
    'mattermost.token',
    'gitea.webhookSecret',
    'web.token',
    'auto',
    'analyzers',
  ])
})

test('whatever is given where, the strongest source wins', () => {
  const value = fc.option(fc.constantFrom('observe', 'approve', 'auto'), { nil: undefined })
  fc.assert(
    fc.property(value, value, (flag, variable) => {
      const loaded = loadConfig({
        env: variable ? { KUBE_AGENT_MODE: variable } : {},
        flags: flag ? { mode: flag } : {},
      })
      assert.equal(loaded.config.mode, flag ?? variable ?? 'approve')
    }),
  )
})

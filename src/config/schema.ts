import * as z from 'zod'

const url = z
  .string()
  .refine((text) => /^https?:\/\/[^\s]+$/.test(text) && URL.canParse(text), 'an http:// or https:// address')
// These travel in headers, where a copied line break or space would be an error far away from its cause.
const headerToken = z.string().regex(/^[\x21-\x7e]+$/, 'printable characters without spaces or line breaks')
const list = z.array(z.string().min(1))
const count = z.int().min(0)
const positive = z.int().min(1)
const namespaceName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'a namespace name (lower-case letters, digits, dashes)')

/**
 * The whole configuration: what can be set, what is expected, what holds otherwise. The descriptions become docs/configuration.md,
 * in this order; a default that follows from elsewhere is told in its description.
 */
export const Config = z.strictObject({
  chat: z
    .array(z.enum(['matrix', 'mattermost', 'web', 'terminal']))
    .refine((names) => new Set(names).size === names.length, 'each chat once')
    .default([])
    .describe('Where people talk to the bot; several with commas.'),
  room: z
    .string()
    .optional()
    .describe('Where signals open threads: Matrix alias or room id, Mattermost `team/channel`, name of a web room.'),
  approvers: list
    .default([])
    .describe(
      'Who may approve changes, by user id (`@alice:corp`), on Mattermost by username (`@alice`). Empty: nobody.',
    ),
  users: list
    .default([])
    .describe(
      'Who may talk to the bot, by user id or `*:server`, on Mattermost by username. Empty: the members of its rooms.',
    ),
  mode: z
    .enum(['observe', 'approve', 'auto'])
    .default('approve')
    .describe('`observe` never changes anything, `auto` runs what the allow-list names without asking.'),
  caFile: z.string().optional().describe('Extra CA certificates (PEM) for every outgoing connection.'),
  dataDir: z.string().min(1).default('./data').describe('SQLite and working files.'),
  language: z
    .enum(['auto', 'en', 'ko'])
    .default('auto')
    .describe("Language of the bot's own sentences; `auto` is that of the asker."),
  matrix: z
    .strictObject({
      url: url.optional().describe('Address of the homeserver.'),
      token: headerToken.optional().describe("The bot's access token."),
    })
    .prefault({}),
  mattermost: z
    .strictObject({
      url: url.optional().describe('Address of the server; it may have a path.'),
      token: headerToken.optional().describe("The bot's token."),
    })
    .prefault({}),
  llm: z
    .strictObject({
      url: z
        .union([z.literal('none'), url])
        .default('http://litellm.litellm.svc.cluster.local:4000/v1')
        .describe('OpenAI-compatible model server; `none`: rules and direct commands only.'),
      model: z.string().min(1).default('gpt-4o').describe('Name of the model on that server.'),
      apiKey: headerToken.default('no-key').describe('Key for the model server.'),
      context: positive.optional().describe('Window in tokens; asked from the server, else 32768.'),
      firstTokenSeconds: positive.default(600).describe('How long the first token may take.'),
      tokenSeconds: positive.default(60).describe('How long may pass between two tokens.'),
    })
    .prefault({}),
  kubernetes: z
    .strictObject({
      kubeconfig: z.string().optional().describe('Path of the kubeconfig.'),
      context: z.string().optional().describe('Context of the kubeconfig; the current one by default.'),
      namespace: namespaceName
        .optional()
        .describe("Where tools work when none is named; in a pod its own, else the context's, else `default`."),
      namespaces: z
        .array(z.union([z.literal('*'), namespaceName]))
        .optional()
        .describe('Namespaces that the tools may touch; `*` for all. The one above by default.'),
      protectedNamespaces: z
        .array(namespaceName)
        .default(['kube-system', 'kube-public', 'kube-node-lease'])
        .describe("Namespaces in which nothing is changed; the bot's own is always one."),
      maxReplicas: count.default(50).describe('Largest number of replicas that may be asked for.'),
    })
    .prefault({}),
  gitea: z
    .strictObject({
      url: url.optional().describe('Address of Gitea; it may have a path.'),
      token: headerToken.optional().describe('Access token for the API.'),
      webhookSecret: list
        .default([])
        .describe('Secrets of the webhooks, several while they are rotated. Without one the route does not exist.'),
    })
    .prefault({}),
  files: z
    .strictObject({
      roots: z
        .array(z.string().regex(/^\/.*[^/]$/, 'an absolute path without a slash at the end'))
        .min(1)
        .default(['/tmp', '/home/agent'])
        .describe('Folders that the file tools may touch. Relative paths begin in the first.'),
    })
    .prefault({}),
  http: z
    .strictObject({
      host: z.string().default('0.0.0.0').describe('Address that the HTTP port listens on.'),
      port: z.int().min(0).max(65_535).default(8080).describe('Webhooks, health, metrics and the web room.'),
      publicUrl: url
        .optional()
        .describe('Address of this port as Gitea reaches it; it may have a path. For `kube-agent webhook install`.'),
    })
    .prefault({}),
  web: z
    .strictObject({
      token: z
        .string()
        .min(8)
        .optional()
        .describe('Login token of the web room; without one it is served to loopback only.'),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
        .default('info')
        .describe('What is logged.'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      toolCalls: positive.default(30).describe('Tool calls in one request.'),
      nudges: count.default(5).describe('How often an unfinished answer is nudged on in one request.'),
      minutes: positive.default(15).describe('Working time of one request, without waiting for people.'),
      tokens: positive.default(1_000_000).describe('Tokens of one request, prompt and answer together.'),
    })
    .prefault({}),
  approvals: z
    .strictObject({
      minutes: z.number().positive().default(30).describe('How long a prompt waits for a decision.'),
      destroyQuorum: positive.default(1).describe('How many people have to approve what destroys something.'),
      destroyNeedsOther: z
        .boolean()
        .default(true)
        .describe('Whether somebody other than the asker has to approve what destroys something.'),
      recoverySeconds: z
        .array(z.number().positive())
        .default([30, 300])
        .describe('When the workload is looked at after a change.'),
    })
    .prefault({}),
  auto: z
    .array(z.strictObject({ tool: z.string(), namespace: z.string(), name: z.string() }))
    .default([])
    .describe('What mode `auto` may do without asking: tool, namespace, name; `*` stands for any. YAML only.'),
  analyzers: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[A-Za-z][\w-]*$/, 'a name of letters, digits, dashes and underscores'),
        kind: z.string().min(1),
        apiVersion: z.string().min(1).optional(),
        when: z.string().min(1),
        text: z.string().min(1),
        severity: z.enum(['critical', 'warning', 'info']).default('warning'),
        next: z.string().min(1).optional(),
      }),
    )
    .default([])
    .describe(
      // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how it is written there
      'Analyzers of your own, by kind: where the CEL expression `when` holds for an `object`, `text` (with CEL in `${…}`) is a finding. YAML only.',
    ),
  signals: z
    .strictObject({
      pushBranches: list
        .default(['default'])
        .describe('Branches whose pushes open threads: `default` and patterns such as `release/*`.'),
      continueMinutes: positive.default(60).describe('How long further pushes to a branch continue its thread.'),
      ciBranches: list
        .default(['**'])
        .describe('Branches whose CI failures open threads, as above; pull requests from forks are called `pull/7`.'),
      rooms: z
        .array(z.string().regex(/^[^=\s]+=\S+$/, 'REPOSITORY=ROOM, such as acme/*=#payments:corp'))
        .default([])
        .describe(
          'Rooms for repositories, as `acme/*=ROOM`; the first that fits counts, `room` is for the others. Private repositories have only what is named here.',
        ),
      lookMinutes: count
        .default(5)
        .describe(
          'How often Gitea is asked what was missed: pushes and CI runs of repositories that sent something before. 0: never.',
        ),
    })
    .prefault({}),
})
export type Config = z.output<typeof Config>

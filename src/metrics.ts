import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What the product counts. Labels are few and bounded: no names of objects, people or rooms. */
export interface Metrics {
  registry: Registry
  jobs: Counter<'kind' | 'outcome'>
  modelRequests: Counter<'outcome'>
  modelSeconds: Histogram
  tokens: Counter<'direction'>
  toolCalls: Counter<'tool' | 'outcome'>
  approvals: Counter<'state'>
  webhooks: Counter<'outcome'>
  posts: Counter<'platform' | 'outcome'>
  /** Adds what is asked for at each scrape, once it is there to be asked. */
  gauge(gauges: Gauges): void
}

export interface Gauges {
  inboxDepth(): Promise<number>
  chatReady(): Record<string, boolean>
  /** By part; parts that are not configured are left out. */
  reachable(): Record<string, boolean>
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  return {
    registry,
    jobs: new Counter({
      name: 'kube_agent_jobs_total',
      help: 'Jobs by kind and how they ended.',
      labelNames: ['kind', 'outcome'],
      registers,
    }),
    modelRequests: new Counter({
      name: 'kube_agent_model_requests_total',
      help: 'Requests to the model server.',
      labelNames: ['outcome'],
      registers,
    }),
    modelSeconds: new Histogram({
      name: 'kube_agent_model_seconds',
      help: 'Time of a whole model request.',
      buckets: [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600],
      registers,
    }),
    tokens: new Counter({
      name: 'kube_agent_tokens_total',
      help: 'Tokens as the model server counts them.',
      labelNames: ['direction'],
      registers,
    }),
    toolCalls: new Counter({
      name: 'kube_agent_tool_calls_total',
      help: 'Tool calls.',
      labelNames: ['tool', 'outcome'],
      registers,
    }),
    approvals: new Counter({
      name: 'kube_agent_approvals_total',
      help: 'Approvals by the state they reached.',
      labelNames: ['state'],
      registers,
    }),
    webhooks: new Counter({
      name: 'kube_agent_webhooks_total',
      help: 'Webhook deliveries.',
      labelNames: ['outcome'],
      registers,
    }),
    posts: new Counter({
      name: 'kube_agent_posts_total',
      help: 'Posts and edits sent to chats.',
      labelNames: ['platform', 'outcome'],
      registers,
    }),
    gauge: (gauges) => addGauges(gauges, registers),
  }
}

function addGauges(gauges: Gauges, registers: Registry[]): void {
  new Gauge({
    name: 'kube_agent_inbox_jobs',
    help: 'Jobs that wait or run.',
    registers,
    async collect() {
      this.set(await gauges.inboxDepth())
    },
  })
  new Gauge({
    name: 'kube_agent_chat_ready',
    help: '1 when the chat platform is in sync.',
    labelNames: ['platform'],
    registers,
    collect() {
      for (const [platform, ready] of Object.entries(gauges.chatReady())) this.set({ platform }, ready ? 1 : 0)
    },
  })
  new Gauge({
    name: 'kube_agent_reachable',
    help: '0 when the server behind this part did not answer or refused us last time.',
    labelNames: ['part'],
    registers,
    collect() {
      for (const [part, answered] of Object.entries(gauges.reachable())) this.set({ part }, answered ? 1 : 0)
    },
  })
}

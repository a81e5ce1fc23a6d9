import { decideCi } from './ci.ts'
import { type Diagnosis, diagnose, isTrouble, type Workload, workloadsOf } from './diagnosis.ts'
import type { Result, Shown } from './reading.ts'
import { words } from './words.ts'

export interface Call {
  tool: string
  input: Record<string, unknown>
}

/** What the engineer does next: looks or proposes (with the reason), or answers. */
export type Move = { kind: 'call'; text?: string; calls: Call[] } | { kind: 'say'; text: string }

const lists: Call[] = [
  { tool: 'k8s_list_deployments', input: {} },
  { tool: 'k8s_list_pods', input: {} },
]

/** The rules of an on-call engineer: list, look closer at what the question names, judge, propose, report. */
export function decide(shown: Shown): Move {
  const text = words[shown.language]
  if (shown.topic.kind === 'ci') return decideCi(shown)
  if (shown.topic.kind === 'people' && isSmallTalk(shown.topic.text)) return say(text.smallTalk)
  const changed = shown.results.filter(({ tool }) => isChange(tool))
  if (changed.length > 0) return say(changed.map((result) => reportOf(result, shown)).join('\n\n'))

  const workloads = workloadsOf(shown.results)
  if (!workloads) return look(lists, shown)
  if (workloads.length === 0) return say(text.nothingThere(quoteOf(shown.results[0])))

  const named = namedIn(shown, workloads)
  if (named.length > 0) return judge(named, shown)
  const missing = missingName(shown)
  if (missing) return sayMissing(missing, shown)
  if (shown.topic.kind === 'push') return say(text.pushWithoutWorkload(checksOf(shown)))
  return isAboutAll(shown.topic.text) ? say(text.overview(workloads.filter(isTrouble), workloads)) : say(text.standIn)
}

/** Looks closer at each workload until there is a diagnosis of all, then says what was found and proposes what would help. */
function judge(named: Workload[], shown: Shown): Move {
  const text = words[shown.language]
  const found = named.map((workload) => ({ workload, ...diagnose(workload, shown.results) }))
  const open = found.flatMap((one) => (one.kind === 'look' ? one.calls : []))
  if (open.length > 0) return look(open, shown)

  const diagnoses = found.flatMap((one) => (one.kind === 'found' ? [one] : []))
  const finding = diagnoses
    .map(({ workload, diagnosis }) => text.finding(workload, diagnosis, orderOf(shown.topic.text)?.kind))
    .join('\n\n')
  if (shown.topic.kind === 'push')
    return say(
      text.pushVerdict(
        checksOf(shown),
        diagnoses.every(({ diagnosis }) => diagnosis.kind === 'well'),
        finding,
      ),
    )
  const calls = diagnoses.flatMap(({ workload, diagnosis }) => repairOf(workload, diagnosis, shown))
  return calls.length > 0 && calls.every(({ tool }) => shown.offered.has(tool))
    ? { kind: 'call', text: finding, calls }
    : say(finding)
}

/** What is proposed: what was asked for, else what follows from the diagnosis. Nothing that cannot help. */
function repairOf(workload: Workload, diagnosis: Diagnosis, { topic }: Shown): Call[] {
  const { name } = workload
  const order = orderOf(topic.text)
  if (diagnosis.kind === 'no-image') return []
  if (order?.kind === 'scale' && order.replicas !== workload.wanted) return [scale(name, order.replicas)]
  if (order?.kind === 'restart') return [{ tool: 'k8s_restart_deployment', input: { name } }]
  if (diagnosis.kind === 'crashing' && diagnosis.cached) return [{ tool: 'k8s_restart_deployment', input: { name } }]
  if (diagnosis.kind === 'stopped' && diagnosis.before) return [scale(name, diagnosis.before)]
  return []
}

const scale = (name: string, replicas: number): Call => ({ tool: 'k8s_scale_deployment', input: { name, replicas } })

const isChange = (tool: string): boolean => tool === 'k8s_restart_deployment' || tool === 'k8s_scale_deployment'

/** What became of a proposal, in the words of its result. */
function reportOf(result: Result, { language }: Shown): string {
  const text = words[language]
  const name = String(result.input.name)
  if (/ began \(| now wants /.test(result.text)) return text.changed(result, name)
  const [, by, reason] = /^Denied by (@?[^\s:]+(?::[^\s:.]+)*)(?:: (.*?))?\.? Do not ask/.exec(firstLine(result)) ?? []
  if (by) return text.denied(name, by, reason)
  return text.notChanged(name, quoteOf(result))
}

/** Without tools there is nothing to do but to say so. */
function look(calls: Call[], { offered, language }: Shown): Move {
  const possible = calls.filter(({ tool }) => offered.has(tool))
  return possible.length > 0 ? { kind: 'call', calls: possible } : say(words[language].cannotLook)
}

/** The workloads that the question names; when it says "it", the one that was talked about last. */
function namedIn({ topic, before }: Shown, workloads: Workload[]): Workload[] {
  const text = topic.kind === 'push' ? (fenceOf(topic.text, 'push') ?? '') : topic.text
  const named = workloads.filter(({ name }) => mentions(text, name))
  if (named.length > 0 || topic.kind === 'push' || !pointsBack(text)) return named
  for (const earlier of before) {
    const meant = workloads.filter(({ name }) => mentions(earlier, name))
    if (meant.length > 0) return meant.slice(0, 1)
  }
  return []
}

// Not a part of a longer name; a Korean particle may follow.
const mentions = (text: string, name: string): boolean =>
  new RegExp(`(?<![\\w-])${name.replaceAll('.', '\\.')}(?![\\w-])`, 'i').test(text)

const pointsBack = (text: string): boolean => /\b(it|that|this|them)\b|그거|그것|이거|이것|걔|다시|이제/i.test(text)

const isAboutAll = (text: string): boolean =>
  /\b(broken|wrong|down|problems?|issues?|fail\w*|crash\w*|health\w*|status|pods?|deployments?|cluster|everything|anything|going on)\b|고장|문제|이상|상태|장애|죽|안\s?되|파드|클러스터|괜찮/i.test(
    text,
  )

function isSmallTalk(text: string): boolean {
  const clean = text.trim()
  return (
    clean.length < 60 &&
    /^(hi|hello|hey|thanks?|thank you|good (morning|evening)|who are you|what can you do|안녕|고마|감사|반가|누구|뭘 할 수)/i.test(
      clean,
    )
  )
}

/** "restart api", "scale worker to 3", and the same in Korean. */
function orderOf(text: string): { kind: 'restart' } | { kind: 'scale'; replicas: number } | undefined {
  if (/\brestart\b|재시작/i.test(text)) return { kind: 'restart' }
  const replicas = /\bscale\b[^\n]*?\bto\s+(\d+)|(\d+)\s*개?\s*(?:로|으로)\s*(?:늘|줄|스케일|조정|맞)/i.exec(text)
  return replicas ? { kind: 'scale', replicas: Number(replicas[1] ?? replicas[2]) } : undefined
}

/** A name that the question gives where a workload's name stands, though the lists have none like it. */
const missingName = ({ topic }: Shown): string | undefined =>
  topic.kind === 'people'
    ? /\b(?:wrong with|about|restart|scale)\s+([a-z0-9][a-z0-9.-]+)\b/.exec(topic.text)?.[1]
    : undefined

/** Asks for it all the same: the tool knows best what there is instead. */
function sayMissing(name: string, shown: Shown): Move {
  const asked = shown.results.find(({ tool, input }) => tool === 'k8s_get_deployment' && input.name === name)
  if (!asked) return look([{ tool: 'k8s_get_deployment', input: { name } }], shown)
  return say(words[shown.language].missing(name, quoteOf(asked)))
}

/** The lines on CI among what was found by rules about a push. */
function checksOf({ topic }: Shown): string[] {
  const section = /(?:^|\n)CI:([\s\S]*?)(?:\n\n|$)/.exec(fenceOf(topic.text, 'found by rules') ?? '')?.[1] ?? ''
  return section
    .split('\n')
    .map((line) => line.replace(/^- /, '').replaceAll('\\', '').trim())
    .filter(Boolean)
}

const fenceOf = (text: string, label: string): string | undefined =>
  new RegExp(`(\`{3,})${label}\\n([\\s\\S]*?)\\n\\1`).exec(text)?.[2]

const firstLine = ({ text }: Result): string => text.split('\n')[0] ?? ''

const quoteOf = (result: Result | undefined): string =>
  result ? `${firstLine(result).replace(/^(Failed|Refused): /, '')} ${result.number}`.trim() : 'no result'

const say = (text: string): Move => ({ kind: 'say', text })

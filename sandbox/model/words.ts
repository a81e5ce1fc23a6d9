import type { Diagnosis, Sight, Workload } from './diagnosis.ts'
import type { Result, Shown } from './reading.ts'

type Order = 'restart' | 'scale' | undefined

/** What the engineer says, in the languages it speaks. Names, numbers and quotations come from results alone. */
const en = {
  smallTalk:
    'Hello. I am a scripted stand-in for a model: I follow a few rules on what the tools show me. Try “What is wrong with api?”, “What is broken?” or `!help`.',
  standIn:
    'I am a scripted stand-in for a model and have no rule for that. Ask about a workload, such as “What is wrong with api?”, or in general “What is broken?”. With `KUBE_AGENT_LLM_URL` a real model answers here.',
  cannotLook: 'I may not look any further in this request, so I cannot say more. Ask again, more narrowly.',
  nothingThere: (quote: string) => `I see no deployments: ${quote}`,
  missing: (name: string, quote: string) => `I find no **${name}**. ${quote}`,
  overview: (trouble: Workload[], all: Workload[]) =>
    trouble.length === 0
      ? `All ${all.length} deployments are well ${all[0]?.listed}.`
      : [
          `${trouble.length} of ${all.length} deployments are not well ${all[0]?.listed}:`,
          bullets(trouble.map((workload) => `**${workload.name}**: ${en.state(workload)}`)),
          `Ask me about one of them, such as “What is wrong with ${trouble[0]?.name}?”`,
        ].join('\n\n'),
  state: ({ ready, wanted, pods, podsListed }: Workload) => {
    if (wanted === 0) return 'it is scaled to 0, so nothing of it runs'
    const [worst] = pods.toSorted((a, b) => b.restarts - a.restarts)
    const restarts = worst && worst.restarts > 0 ? ` after ${worst.restarts} restarts` : ''
    return `${ready} of ${wanted} pods are ready${worst && ready < wanted ? `; ${worst.status}${restarts} ${podsListed}` : ''}`
  },
  finding: (workload: Workload, diagnosis: Diagnosis, order: Order): string => {
    const { name, listed } = workload
    switch (diagnosis.kind) {
      case 'well':
        return order
          ? `**${name}** is well as it stands: ${cite(diagnosis.counts)}. You asked for the ${order}, so it is up to you whether it happens.`
          : `**${name}** is well: ${cite(diagnosis.counts)}.`
      case 'starting':
        return `**${name}** is on its way: ${cite(diagnosis.counts)}. I see nothing that fails ${workload.podsListed}. Ask again in a moment.`
      case 'stopped':
        return [
          `**${name}** does not run: ${en.state(workload)} ${listed}.`,
          seen('What I saw:', [
            ['wanted now', diagnosis.counts],
            ['', diagnosis.scaledDown],
            ['meanwhile nobody takes the work', diagnosis.waiting],
          ]),
          diagnosis.before
            ? `What I conclude: it is not broken, somebody stopped it. It had ${diagnosis.before} replicas before, so I propose as many again.`
            : 'It is not broken, somebody stopped it. The events no longer say how many replicas it had; tell me how many, such as “scale it to 2”.',
        ].join('\n\n')
      case 'no-image':
        return [
          `**${name}** cannot start: ${en.state(workload)}.`,
          seen('What I saw:', [
            ['the image it asks for', diagnosis.image],
            ['', diagnosis.problem],
          ]),
          diagnosis.meant
            ? `What I conclude: the tag has a letter where a digit was meant, probably \`${diagnosis.meant}\`. I cannot see the registry, so check that this tag exists.`
            : 'What I conclude: the registry has no such image, or the cluster may not read it.',
          'A restart would not help: new pods ask for the same image. Correct the image where the manifest is kept, and roll that out; or go back to the last image that worked.',
        ].join('\n\n')
      case 'crashing':
        return [
          `**${name}** is down: ${en.state(workload)}.`,
          seen('What I saw:', [
            ['its last words', diagnosis.lastWords],
            ['before that', diagnosis.cached],
            ['but nothing answers there', diagnosis.unreachable],
            ['in the meantime', diagnosis.replaced],
          ]),
          diagnosis.cached
            ? 'What I conclude: it holds on to an address from its cache, and what was there has moved. A new pod begins without that cache, so I propose to restart the deployment.'
            : 'I do not see why yet, so I propose no change. Somebody who knows it should read the whole log.',
        ].join('\n\n')
      case 'unclear':
        return [
          `**${name}** is not well: ${en.state(workload)}.`,
          seen(
            'What I saw:',
            diagnosis.signs.map((sign) => ['', sign]),
          ),
          'I do not see the cause yet, so I propose no change.',
        ].join('\n\n')
    }
  },
  pushVerdict: (checks: string[], isWell: boolean, finding: string) =>
    [
      isWell && !hasFailed(checks) ? 'This change looks well.' : '**This change is not well.**',
      checks.length > 0 ? `CI, as the rules found it:\n\n${bullets(checks)}` : 'I was shown nothing about its CI.',
      finding,
    ].join('\n\n'),
  pushWithoutWorkload: (checks: string[]) =>
    [
      hasFailed(checks) ? '**The CI of this change failed.**' : 'I see nothing wrong with this change.',
      bullets(checks),
      'None of the deployments that I see is named in it, so I looked no further.',
    ]
      .filter(Boolean)
      .join('\n\n'),
  changed: ({ tool, number }: Result, name: string) =>
    tool === 'k8s_restart_deployment'
      ? `The restart of **${name}** has begun ${number}: its pods are replaced one after the other. Whether it helped stands here in a moment.`
      : `**${name}** is scaled ${number}. Whether its pods come up stands here in a moment.`,
  denied: (name: string, by: string, reason: string | undefined) =>
    `Nothing was done to **${name}**: ${by} denied it${reason ? ` (${reason})` : ''}. I do not ask for it again; until somebody acts, it stays as I described it.`,
  notChanged: (name: string, quote: string) => `Nothing was done to **${name}**: ${quote}`,
  ciUnclear: (number = '') => `I have no rule for this failure ${number}. A person, or a real model, has to read on.`,
  ciFinding: ({ sentence, image, meant, log, file, path }: CiFinding) =>
    [
      `The job says why it failed ${log}: \`${sentence}\`.`,
      `\`${path}\` asks for \`${image}\` ${file}: the tag has a letter where a digit was meant. I propose \`${meant}\`; I cannot see the registry, its check on the pull request will tell.`,
    ].join('\n\n'),
  ciProposed: (pull: string, number: string) =>
    `Pull request ${pull} proposes the correction ${number}. Whether its check passes stands here in a moment; merge it when it does.`,
  ciDenied: (by: string) => `Nothing was proposed: ${by} denied it. The branch stays red until somebody corrects it.`,
  ciNotProposed: (quote: string, number: string) => `Nothing was proposed: ${quote} ${number}`,
}

interface CiFinding {
  sentence: string
  image: string
  meant: string
  path: string
  /** Where it was seen, to be cited. */
  log: string
  file: string
}

const ko: typeof en = {
  smallTalk:
    '안녕하세요. 저는 모델을 대신하는 스크립트입니다. 도구가 보여 준 것에 몇 가지 규칙만 적용합니다. “api 무슨 문제야?”, “뭐가 고장났어?” 또는 `!help` 를 써 보세요.',
  standIn:
    '저는 모델을 대신하는 스크립트라 그 질문에 맞는 규칙이 없습니다. “api 무슨 문제야?” 처럼 워크로드를 묻거나 “뭐가 고장났어?” 라고 물어 주세요. `KUBE_AGENT_LLM_URL` 을 주면 실제 모델이 답합니다.',
  cannotLook: '이 요청에서는 더 살펴볼 수 없어 더 말씀드릴 수 없습니다. 더 좁혀서 다시 물어 주세요.',
  nothingThere: (quote) => `디플로이먼트가 보이지 않습니다: ${quote}`,
  missing: (name, quote) => `**${name}** 을(를) 찾을 수 없습니다. ${quote}`,
  overview: (trouble, all) =>
    trouble.length === 0
      ? `디플로이먼트 ${all.length}개가 모두 정상입니다 ${all[0]?.listed}.`
      : [
          `디플로이먼트 ${all.length}개 중 ${trouble.length}개가 정상이 아닙니다 ${all[0]?.listed}:`,
          bullets(trouble.map((workload) => `**${workload.name}**: ${ko.state(workload)}`)),
          `하나를 골라 물어 주세요. 예: “${trouble[0]?.name} 무슨 문제야?”`,
        ].join('\n\n'),
  state: ({ ready, wanted, pods, podsListed }) => {
    if (wanted === 0) return '0개로 축소되어 실행 중인 파드가 없습니다'
    const [worst] = pods.toSorted((a, b) => b.restarts - a.restarts)
    const restarts = worst && worst.restarts > 0 ? `, 재시작 ${worst.restarts}회` : ''
    return `파드 ${wanted}개 중 ${ready}개 준비됨${worst && ready < wanted ? `; ${worst.status}${restarts} ${podsListed}` : ''}`
  },
  finding: (workload, diagnosis, order) => {
    const { name, listed } = workload
    switch (diagnosis.kind) {
      case 'well':
        return order
          ? `**${name}** 은(는) 지금도 정상입니다: ${cite(diagnosis.counts)}. 요청하신 작업을 할지는 승인에 달려 있습니다.`
          : `**${name}** 은(는) 정상입니다: ${cite(diagnosis.counts)}.`
      case 'starting':
        return `**${name}** 은(는) 시작되는 중입니다: ${cite(diagnosis.counts)}. 실패한 것은 보이지 않습니다 ${workload.podsListed}. 잠시 뒤에 다시 물어 주세요.`
      case 'stopped':
        return [
          `**${name}** 은(는) 실행되지 않습니다: ${ko.state(workload)} ${listed}.`,
          seen('확인한 것:', [
            ['지금 상태', diagnosis.counts],
            ['', diagnosis.scaledDown],
            ['그동안 일을 가져가는 쪽이 없음', diagnosis.waiting],
          ]),
          diagnosis.before
            ? `결론: 고장이 아니라 누군가 멈춘 것입니다. 전에는 ${diagnosis.before}개였으므로 다시 ${diagnosis.before}개를 제안합니다.`
            : '고장이 아니라 누군가 멈춘 것입니다. 전에 몇 개였는지는 이벤트에 남아 있지 않으니 “2개로 늘려” 처럼 알려 주세요.',
        ].join('\n\n')
      case 'no-image':
        return [
          `**${name}** 이(가) 시작하지 못합니다: ${ko.state(workload)}.`,
          seen('확인한 것:', [
            ['요청한 이미지', diagnosis.image],
            ['', diagnosis.problem],
          ]),
          diagnosis.meant
            ? `결론: 태그에 숫자 대신 글자가 들어갔습니다. 아마 \`${diagnosis.meant}\` 일 것입니다. 레지스트리는 볼 수 없으니 그 태그가 있는지 확인하세요.`
            : '결론: 레지스트리에 그 이미지가 없거나 클러스터가 읽을 수 없습니다.',
          '재시작은 도움이 되지 않습니다. 새 파드도 같은 이미지를 요청합니다. 매니페스트에서 이미지를 고쳐 배포하거나, 마지막으로 동작한 이미지로 되돌리세요.',
        ].join('\n\n')
      case 'crashing':
        return [
          `**${name}** 이(가) 내려가 있습니다: ${ko.state(workload)}.`,
          seen('확인한 것:', [
            ['마지막 로그', diagnosis.lastWords],
            ['그 전에', diagnosis.cached],
            ['그 주소는 응답하지 않음', diagnosis.unreachable],
            ['그사이', diagnosis.replaced],
          ]),
          diagnosis.cached
            ? '결론: 캐시에 남은 주소를 계속 쓰는데, 그 대상이 옮겨졌습니다. 새 파드는 그 캐시 없이 시작하므로 디플로이먼트 재시작을 제안합니다.'
            : '아직 원인이 보이지 않아 변경을 제안하지 않습니다. 잘 아는 분이 전체 로그를 읽어야 합니다.',
        ].join('\n\n')
      case 'unclear':
        return [
          `**${name}** 이(가) 정상이 아닙니다: ${ko.state(workload)}.`,
          seen(
            '확인한 것:',
            diagnosis.signs.map((sign) => ['', sign]),
          ),
          '아직 원인이 보이지 않아 변경을 제안하지 않습니다.',
        ].join('\n\n')
    }
  },
  pushVerdict: (checks, isWell, finding) =>
    [
      isWell && !hasFailed(checks) ? '이 변경은 정상으로 보입니다.' : '**이 변경은 정상이 아닙니다.**',
      checks.length > 0 ? `규칙이 찾은 CI 결과:\n\n${bullets(checks)}` : 'CI 에 대해서는 보여진 것이 없습니다.',
      finding,
    ].join('\n\n'),
  pushWithoutWorkload: (checks) =>
    [
      hasFailed(checks) ? '**이 변경의 CI 가 실패했습니다.**' : '이 변경에서 잘못된 것은 보이지 않습니다.',
      bullets(checks),
      '보이는 디플로이먼트 중 이 변경에 이름이 나오는 것이 없어 더 살펴보지 않았습니다.',
    ]
      .filter(Boolean)
      .join('\n\n'),
  changed: ({ tool, number }, name) =>
    tool === 'k8s_restart_deployment'
      ? `**${name}** 재시작을 시작했습니다 ${number}. 파드가 하나씩 교체됩니다. 도움이 되었는지는 곧 여기에 올라옵니다.`
      : `**${name}** 의 개수를 바꿨습니다 ${number}. 파드가 올라오는지는 곧 여기에 올라옵니다.`,
  denied: (name, by, reason) =>
    `**${name}** 에는 아무것도 하지 않았습니다: ${by} 님이 거부했습니다${reason ? `(${reason})` : ''}. 다시 요청하지 않겠으며, 누군가 조치할 때까지 상태는 그대로입니다.`,
  notChanged: (name, quote) => `**${name}** 에는 아무것도 하지 않았습니다: ${quote}`,
  ciUnclear: (number = '') => `이 실패에 대한 규칙이 없습니다 ${number}. 사람이나 실제 모델이 더 읽어야 합니다.`,
  ciFinding: ({ sentence, image, meant, log, file, path }) =>
    [
      `작업이 실패 이유를 말합니다 ${log}: \`${sentence}\`.`,
      `\`${path}\` 는 \`${image}\` 를 요청합니다 ${file}: 숫자 자리에 글자가 있습니다. \`${meant}\` 를 제안합니다. 레지스트리는 볼 수 없으니 풀 리퀘스트의 검사가 알려 줄 것입니다.`,
    ].join('\n\n'),
  ciProposed: (pull, number) =>
    `풀 리퀘스트 ${pull} 가 수정을 제안합니다 ${number}. 검사가 통과하는지는 곧 여기에 올라옵니다. 통과하면 병합하세요.`,
  ciDenied: (by) =>
    `아무것도 제안하지 않았습니다: ${by} 님이 거부했습니다. 누군가 고칠 때까지 브랜치는 실패 상태입니다.`,
  ciNotProposed: (quote, number) => `아무것도 제안하지 않았습니다: ${quote} ${number}`,
}

export const words: Record<Shown['language'], typeof en> = { en, ko }

const bullets = (lines: string[]): string => lines.map((line) => `- ${line}`).join('\n')

/** What was seen, a line each, with the number of the result it was seen in. */
const seen = (title: string, sights: (readonly [what: string, sight: Sight | undefined])[]): string =>
  [
    title,
    bullets(sights.flatMap(([what, sight]) => (sight ? [[what, cite(sight)].filter(Boolean).join(': ')] : []))),
  ].join('\n\n')

const longest = 220

/** A quotation, as code so that nothing in it formats, and where it stands. */
function cite({ text, number }: Sight): string {
  const line = text.replaceAll('`', "'").trim()
  return `\`${line.length > longest ? `${line.slice(0, longest)}…` : line}\` ${number}`.trim()
}

const hasFailed = (checks: string[]): boolean => checks.some((check) => check.startsWith('❌'))

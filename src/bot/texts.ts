import type { Language } from '../text/language.ts'
import { inlineCode, joined, type Markdown, md } from '../text/markdown.ts'

/** The bot's own sentences, in the languages it speaks. The model's answers come in the asker's language by themselves. */
const en = {
  help: (name: Markdown) =>
    joined([
      md`Mention me with a question, or use a command (with a mention anywhere, without one in a thread of mine). I am **${name}**.`,
      joined(
        [
          md`- \`!status\` what works, what waits for a decision`,
          md`- \`!analyze [namespace]\` what is wrong, found by rules with evidence`,
          md`- \`!stop\` ends what I am doing in this thread`,
          md`- \`!approve ID\`, \`!deny ID reason\` the same as ✅ and ❌ under a prompt`,
          md`- \`!tools\` what can be called, and \`!TOOL key=value …\` calls it, such as \`!k8s_list_pods namespace=shop\``,
        ],
        '\n',
      ),
      md`What changes something is shown first and runs only after an approval. If I do not react in a room: invite me.`,
    ]),
  notAllowed: (person: Markdown) =>
    md`${person}, I may not talk with you here. Ask an administrator (KUBE_AGENT_USERS).`,
  settingsMissing: (command: Markdown, settings: Markdown[]) =>
    md`${command} needs ${joined(settings, ' and ')}, and ${settings.length > 1 ? md`they are` : md`it is`} not set.`,
  unknownCommand: (command: Markdown, nearest: string[]) =>
    md`I do not know ${command}.${nearest.length > 0 ? md` Did you mean ${commands(nearest)}?` : md``} \`!help\` lists what I know.`,
  wrongArguments: (command: string, problem: Markdown) => md`${inlineCode(`!${command}`)}: ${problem}`,
  stopped: md`Stopped.`,
  nothingToStop: md`Nothing is running in this thread.`,
  approvalNeeded: (summary: Markdown, id: string) => md`**Approval needed** ${inlineCode(id)}: ${summary}`,
  changes: md`What would change`,
  affects: md`What it affects`,
  request: md`The request, exactly as it would be sent`,
  deciders: (names: Markdown, count: number) =>
    count > 1 ? md`${count} of these have to approve: ${names}.` : md`Who may decide: ${names}.`,
  asked: (names: Markdown) => md`Asked for by ${names}.`,
  otherThanAsker: md`Somebody other than the asker has to approve.`,
  until: (time: Markdown, minutes: number) => md`Decide until ${time} UTC (${minutes} min).`,
  how: (id: string) =>
    md`✅ approves, ❌ denies; or write ${inlineCode(`!approve ${id}`)} or ${inlineCode(`!deny ${id} reason`)}.`,
  stateApproved: (by: Markdown) => md`✅ Approved by ${by}; it runs now.`,
  stateDone: (by: Markdown, time: Markdown) => md`✅ Approved by ${by}, done at ${time} UTC.`,
  stateFailed: (by: Markdown, time: Markdown) => md`⚠️ Approved by ${by}, but it failed at ${time} UTC.`,
  stateLost: (by: Markdown, time: Markdown) =>
    md`⚠️ Approved by ${by} and started at ${time} UTC, but I was interrupted or got no answer: its outcome is unknown. It is not run again.`,
  stateDenied: (by: Markdown, reason: Markdown) => md`❌ Denied by ${by}${reason ? md`: ${reason}` : md`.`}`,
  stateExpired: md`⌛ Expired: nobody decided in time. Nothing was done.`,
  stateWithdrawn: (reason: Markdown) => md`🚫 ${reason} Nothing was done.`,
  policy: md`the allow-list`,
  notAnApprover: (person: Markdown, id: string) =>
    md`${person} is not an approver, so the mark under ${inlineCode(id)} does not count.`,
  needsAnother: (person: Markdown, id: string) =>
    md`${person} asked for ${inlineCode(id)}, so somebody else has to approve it.`,
  notAMember: (person: Markdown, id: string) =>
    md`${person} is not in this room, so the mark under ${inlineCode(id)} does not count.`,
  tooLate: (id: string) => md`Too late for ${inlineCode(id)}.`,
  counted: (have: number, need: number, id: string) => md`${inlineCode(id)}: ${have} of ${need} approvals.`,
  voteWithdrawn: (person: Markdown, id: string) => md`${person} took the approval of ${inlineCode(id)} back.`,
  passedOn: (id: string) => md`${inlineCode(id)} stands in another thread; I passed it on to there.`,
  noSuchApproval: (id: string, open: string[]) =>
    md`There is no prompt ${inlineCode(id)} here.${open.length > 0 ? md` Open ones: ${joined(open.map(inlineCode), ', ')}.` : md` None is open.`}`,
  reminder: (id: string, summary: Markdown, minutes: number) =>
    md`Still waiting for a decision on ${inlineCode(id)} (${summary}); ${minutes} min left.`,
  recovered: (summary: Markdown, text: Markdown) => md`✅ After “${summary}”: ${text}`,
  notRecovered: (summary: Markdown, text: Markdown) => md`⚠️ After “${summary}”, not well: ${text}`,
  progressing: (summary: Markdown, text: Markdown) => md`⏳ After “${summary}”, not finished yet: ${text}`,
  recoveryUnknown: (summary: Markdown, text: Markdown) =>
    md`After “${summary}”, I could not look at the result: ${text}`,
  thinking: md`Thinking`,
  working: md`Working`,
  waiting: md`Waiting for a decision`,
  steps: (count: number, seconds: number) => md`${count} ${count === 1 ? md`step` : md`steps`}, ${seconds} s`,
  modelAway: (reason: Markdown, minutes: number) =>
    md`${reason} I try again for ${minutes} minutes; meanwhile commands work (\`!help\`).`,
  gaveUp: (reason: Markdown) => md`${reason} I gave up; write again when it is back.`,
  noModel: md`No model is configured, so I cannot reason about that. What I can say by looking:`,
  commands: md`Commands work without a model too: \`!analyze\`, \`!tools\`, \`!help\`.`,
  findings: (where: Markdown) => md`Findings in ${where}`,
  cannotLook: (reason: Markdown) => md`I could not look at the cluster: ${reason}`,
  setAside: (reason: Markdown) => md`I could not handle something here after three tries and set it aside: ${reason}`,
  emptyAnswer: md`The model gave no answer. Ask again, or more narrowly.`,
  tools: md`What I can call (\`!TOOL key=value …\`):`,
  statusTitle: md`Status`,
  collection: md`**Many events at once.** Further ones are listed in this thread; ask here about any of it.`,
  ciFailed: (where: Markdown) => md`CI failed in ${where}`,
  ciRun: md`Run`,
  ciPage: md`Details`,
  seenLate: (time: Markdown) => md`It ended at ${time} UTC; I was away.`,
  ciPassed: (where: Markdown) => md`CI passed in ${where}`,
  ciStillRed: (subjects: Markdown) => md`Still failing: ${subjects}.`,
  ciAllGreen: md`Nothing fails there any more.`,
  ciGreenAgain: md`Green again.`,
  branchDeleted: (branch: Markdown, by: Markdown) => md`${by} deleted ${branch}, so no run can pass there any more.`,
  commented: (by: Markdown, number: Markdown) => md`${by} wrote under ${number}:`,
  pullMerged: (number: Markdown, by: Markdown) => md`${number} was merged by ${by}.`,
  pullClosed: (number: Markdown, by: Markdown) => md`${number} was closed by ${by}, unmerged.`,
  pullReopened: (number: Markdown, by: Markdown) => md`${number} was opened again by ${by}.`,
  released: (tag: Markdown, by: Markdown) => md`${by} released ${tag}.`,
}

type Texts = typeof en

const ko: Texts = {
  help: (name) =>
    joined([
      md`질문과 함께 저를 멘션하거나 명령을 쓰세요(어디서든 멘션과 함께, 제 스레드 안에서는 멘션 없이). 저는 **${name}** 입니다.`,
      joined(
        [
          md`- \`!status\` 무엇이 동작하고 무엇이 결정을 기다리는지`,
          md`- \`!analyze [네임스페이스]\` 규칙으로 찾은 문제와 근거`,
          md`- \`!stop\` 이 스레드에서 하던 일을 멈춤`,
          md`- \`!approve ID\`, \`!deny ID 이유\` 요청 아래의 ✅, ❌ 와 같음`,
          md`- \`!tools\` 호출할 수 있는 도구, \`!도구 key=value …\` 는 그 도구를 호출. 예: \`!k8s_list_pods namespace=shop\``,
        ],
        '\n',
      ),
      md`무언가를 바꾸는 일은 먼저 그대로 보여 주고 승인된 뒤에만 실행합니다. 방에서 반응이 없으면 저를 초대하세요.`,
    ]),
  notAllowed: (person) => md`${person} 님과는 여기서 대화할 수 없습니다. 관리자에게 문의하세요(KUBE_AGENT_USERS).`,
  settingsMissing: (command, settings) =>
    md`${command} 에는 ${joined(settings, ', ')} 설정이 필요한데 설정되어 있지 않습니다.`,
  unknownCommand: (command, nearest) =>
    md`${command} 명령을 모릅니다.${nearest.length > 0 ? md` 혹시 ${commands(nearest)} 인가요?` : md``} \`!help\` 로 목록을 볼 수 있습니다.`,
  wrongArguments: (command, problem) => md`${inlineCode(`!${command}`)}: ${problem}`,
  stopped: md`중지했습니다.`,
  nothingToStop: md`이 스레드에서 실행 중인 일이 없습니다.`,
  approvalNeeded: (summary, id) => md`**승인 필요** ${inlineCode(id)}: ${summary}`,
  changes: md`바뀌는 내용`,
  affects: md`영향`,
  request: md`보내질 요청 그대로`,
  deciders: (names, count) =>
    count > 1 ? md`다음 중 ${count}명이 승인해야 합니다: ${names}.` : md`결정할 수 있는 사람: ${names}.`,
  asked: (names) => md`요청한 사람: ${names}.`,
  otherThanAsker: md`요청한 사람이 아닌 다른 사람이 승인해야 합니다.`,
  until: (time, minutes) => md`${time} UTC 까지 결정하세요(${minutes}분).`,
  how: (id) => md`✅ 승인, ❌ 거부. 또는 ${inlineCode(`!approve ${id}`)}, ${inlineCode(`!deny ${id} 이유`)}.`,
  stateApproved: (by) => md`✅ ${by} 승인. 지금 실행합니다.`,
  stateDone: (by, time) => md`✅ ${by} 승인, ${time} UTC 에 완료.`,
  stateFailed: (by, time) => md`⚠️ ${by} 승인, 그러나 ${time} UTC 에 실패.`,
  stateLost: (by, time) =>
    md`⚠️ ${by} 승인, ${time} UTC 에 시작했지만 중단되었거나 응답이 없어 결과를 모릅니다. 다시 실행하지 않습니다.`,
  stateDenied: (by, reason) => md`❌ ${by} 거부${reason ? md`: ${reason}` : md`.`}`,
  stateExpired: md`⌛ 만료: 제때 결정되지 않았습니다. 아무것도 실행하지 않았습니다.`,
  stateWithdrawn: (reason) => md`🚫 ${reason} 아무것도 실행하지 않았습니다.`,
  policy: md`허용 목록`,
  notAnApprover: (person, id) => md`${person} 님은 승인자가 아니므로 ${inlineCode(id)} 의 표시는 세지 않습니다.`,
  needsAnother: (person, id) => md`${person} 님이 ${inlineCode(id)} 를 요청했으므로 다른 사람이 승인해야 합니다.`,
  notAMember: (person, id) => md`${person} 님은 이 방에 없으므로 ${inlineCode(id)} 의 표시는 세지 않습니다.`,
  tooLate: (id) => md`${inlineCode(id)} 에 대한 결정이 너무 늦었습니다.`,
  counted: (have, need, id) => md`${inlineCode(id)}: ${need}명 중 ${have}명 승인.`,
  voteWithdrawn: (person, id) => md`${person} 님이 ${inlineCode(id)} 승인을 거두었습니다.`,
  passedOn: (id) => md`${inlineCode(id)} 는 다른 스레드에 있어 그곳으로 전달했습니다.`,
  noSuchApproval: (id, open) =>
    md`여기에는 ${inlineCode(id)} 요청이 없습니다.${open.length > 0 ? md` 열려 있는 요청: ${joined(open.map(inlineCode), ', ')}.` : md` 열려 있는 요청이 없습니다.`}`,
  reminder: (id, summary, minutes) =>
    md`${inlineCode(id)} (${summary}) 결정을 아직 기다립니다. ${minutes}분 남았습니다.`,
  recovered: (summary, text) => md`✅ “${summary}” 이후: ${text}`,
  notRecovered: (summary, text) => md`⚠️ “${summary}” 이후에도 정상이 아닙니다: ${text}`,
  progressing: (summary, text) => md`⏳ “${summary}” 이후 아직 진행 중: ${text}`,
  recoveryUnknown: (summary, text) => md`“${summary}” 이후 결과를 확인하지 못했습니다: ${text}`,
  thinking: md`생각 중`,
  working: md`작업 중`,
  waiting: md`결정을 기다리는 중`,
  steps: (count, seconds) => md`${count}단계, ${seconds}초`,
  modelAway: (reason, minutes) =>
    md`${reason} ${minutes}분 동안 다시 시도합니다. 그동안 명령은 쓸 수 있습니다(\`!help\`).`,
  gaveUp: (reason) => md`${reason} 그만 시도합니다. 복구되면 다시 써 주세요.`,
  noModel: md`설정된 모델이 없어 추론할 수 없습니다. 직접 살펴본 결과:`,
  commands: md`모델이 없어도 명령은 쓸 수 있습니다: \`!analyze\`, \`!tools\`, \`!help\`.`,
  findings: (where) => md`${where} 분석 결과`,
  cannotLook: (reason) => md`클러스터를 볼 수 없었습니다: ${reason}`,
  setAside: (reason) => md`세 번 시도했지만 처리하지 못해 따로 두었습니다: ${reason}`,
  emptyAnswer: md`모델이 답을 주지 않았습니다. 다시, 또는 더 좁혀서 물어 주세요.`,
  tools: md`호출할 수 있는 도구(\`!도구 key=value …\`):`,
  statusTitle: md`상태`,
  collection: md`**한꺼번에 많은 일이 일어나고 있습니다.** 이후의 것은 이 스레드에 목록으로 모읍니다. 궁금한 것은 여기서 물어 주세요.`,
  ciFailed: (where) => md`${where} CI 실패`,
  ciRun: md`실행`,
  ciPage: md`자세히`,
  seenLate: (time) => md`${time} UTC 에 끝났으며, 그때 저는 꺼져 있었습니다.`,
  ciPassed: (where) => md`${where} CI 통과`,
  ciStillRed: (subjects) => md`아직 실패: ${subjects}.`,
  ciAllGreen: md`더 이상 실패하는 것이 없습니다.`,
  ciGreenAgain: md`다시 정상.`,
  branchDeleted: (branch, by) => md`${by} 님이 ${branch} 브랜치를 삭제하여 더 지켜볼 것이 없습니다.`,
  commented: (by, number) => md`${by} 님이 ${number} 에 남긴 글:`,
  pullMerged: (number, by) => md`${by} 님이 ${number} 을(를) 병합했습니다.`,
  pullClosed: (number, by) => md`${by} 님이 ${number} 을(를) 병합하지 않고 닫았습니다.`,
  pullReopened: (number, by) => md`${by} 님이 ${number} 을(를) 다시 열었습니다.`,
  released: (tag, by) => md`${by} 님이 ${tag} 을(를) 릴리스했습니다.`,
}

export const texts: Record<Language, Texts> = { en, ko }

function commands(names: string[]): Markdown {
  return joined(
    names.map((name) => inlineCode(`!${name}`)),
    ', ',
  )
}

/** The bot's own sentences, in the languages it speaks. The model's answers come in the asker's language by themselves. */
export type Language = 'en' | 'ko'

/** The language of a text, as far as the bot speaks it: Hangul means Korean. */
export function languageOf(text: string): Language {
  return /\p{Script=Hangul}/u.test(text) ? 'ko' : 'en'
}

const en = {
  help: (name: string) =>
    [
      `Mention me with a question, or use a command (with a mention anywhere, without one in a thread of mine). I am **${name}**.`,
      '',
      '- `!status` what works, what waits for a decision',
      '- `!analyze [namespace]` what is wrong, found by rules with evidence',
      '- `!stop` ends what I am doing in this thread',
      '- `!approve ID`, `!deny ID reason` the same as ✅ and ❌ under a prompt',
      '- `!tools` what can be called, and `!TOOL key=value …` calls it, such as `!k8s_list_pods namespace=shop`',
      '',
      'What changes something is shown first and runs only after an approval. If I do not react in a room: invite me.',
    ].join('\n'),
  notAllowed: (person: string) => `${person}, I may not talk with you here. Ask an administrator (KUBE_AGENT_USERS).`,
  settingsMissing: (command: string, settings: string[]) =>
    `${command} needs ${settings.join(' and ')}, and ${settings.length > 1 ? 'they are' : 'it is'} not set.`,
  unknownCommand: (command: string, nearest: string[]) =>
    `I do not know ${command}.${nearest.length > 0 ? ` Did you mean ${nearest.map((name) => `\`!${name}\``).join(', ')}?` : ''} \`!help\` lists what I know.`,
  wrongArguments: (command: string, problem: string) => `\`!${command}\`: ${problem}`,
  stopped: 'Stopped.',
  nothingToStop: 'Nothing is running in this thread.',
  withdrawnByMessage: 'Withdrawn: a new message came before the decision.',
  withdrawnByStop: 'Stopped by a person before the decision.',
  promptGone: 'Withdrawn: the prompt was deleted.',
  promptUnseen: 'Withdrawn: the chat did not take the prompt, so nobody could decide.',
  leftRoom: 'Withdrawn: the bot is no longer in the room.',
  approvalNeeded: (summary: string, id: string) => `**Approval needed** \`${id}\`: ${summary}`,
  changes: 'What would change',
  affects: 'What it affects',
  request: 'The request, exactly as it would be sent',
  deciders: (names: string, count: number) =>
    count > 1 ? `${count} of these have to approve: ${names}.` : `Who may decide: ${names}.`,
  asked: (names: string) => `Asked for by ${names}.`,
  otherThanAsker: 'Somebody other than the asker has to approve.',
  until: (time: string, minutes: number) => `Decide until ${time} UTC (${minutes} min).`,
  how: (id: string) => `✅ approves, ❌ denies; or write \`!approve ${id}\` or \`!deny ${id} reason\`.`,
  stateApproved: (by: string) => `✅ Approved by ${by}; it runs now.`,
  stateDone: (by: string, time: string) => `✅ Approved by ${by}, done at ${time} UTC.`,
  stateFailed: (by: string, time: string) => `⚠️ Approved by ${by}, but it failed at ${time} UTC.`,
  stateLost: (by: string, time: string) =>
    `⚠️ Approved by ${by} and started at ${time} UTC, but I was interrupted or got no answer: its outcome is unknown. It is not run again.`,
  stateDenied: (by: string, reason?: string) => `❌ Denied by ${by}${reason ? `: ${reason}` : '.'}`,
  stateExpired: '⌛ Expired: nobody decided in time. Nothing was done.',
  stateWithdrawn: (reason: string) => `🚫 ${reason} Nothing was done.`,
  policy: 'the allow-list',
  notAnApprover: (person: string, id: string) =>
    `${person} is not an approver, so the mark under \`${id}\` does not count.`,
  needsAnother: (person: string, id: string) => `${person} asked for \`${id}\`, so somebody else has to approve it.`,
  notAMember: (person: string, id: string) =>
    `${person} is not in this room, so the mark under \`${id}\` does not count.`,
  tooLate: (id: string) => `Too late for \`${id}\`.`,
  counted: (have: number, need: number, id: string) => `\`${id}\`: ${have} of ${need} approvals.`,
  voteWithdrawn: (person: string, id: string) => `${person} took the approval of \`${id}\` back.`,
  passedOn: (id: string) => `\`${id}\` stands in another thread; I passed it on to there.`,
  noSuchApproval: (id: string, open: string[]) =>
    `There is no prompt \`${id}\` here.${open.length > 0 ? ` Open ones: ${open.map((one) => `\`${one}\``).join(', ')}.` : ' None is open.'}`,
  reminder: (id: string, summary: string, minutes: number) =>
    `Still waiting for a decision on \`${id}\` (${summary}); ${minutes} min left.`,
  recovered: (summary: string, text: string) => `✅ After “${summary}”: ${text}`,
  notRecovered: (summary: string, text: string) => `⚠️ After “${summary}”, not well: ${text}`,
  progressing: (summary: string, text: string) => `⏳ After “${summary}”, not finished yet: ${text}`,
  recoveryUnknown: (summary: string, text: string) => `After “${summary}”, I could not look at the result: ${text}`,
  thinking: 'Thinking',
  working: 'Working',
  waiting: 'Waiting for a decision',
  steps: (count: number, seconds: number) => `${count} ${count === 1 ? 'step' : 'steps'}, ${seconds} s`,
  modelAway: (reason: string, minutes: number) =>
    `${reason} I try again for ${minutes} minutes; meanwhile commands work (\`!help\`).`,
  gaveUp: (reason: string) => `${reason} I gave up; write again when it is back.`,
  noModel: 'No model is configured, so I cannot reason about that. What I can say by looking:',
  commands: 'Commands work without a model too: `!analyze`, `!tools`, `!help`.',
  findings: (where: string) => `Findings in ${where}`,
  cannotLook: (reason: string) => `I could not look at the cluster: ${reason}`,
  setAside: (reason: string) => `I could not handle something here after three tries and set it aside: ${reason}`,
  emptyAnswer: 'The model gave no answer. Ask again, or more narrowly.',
  tools: 'What I can call (`!TOOL key=value …`):',
  statusTitle: 'Status',
  manyPushes:
    '**Many pushes at once.** Further ones are collected in this thread, without a diagnosis; ask here about any of them.',
}

type Texts = typeof en

const ko: Texts = {
  help: (name) =>
    [
      `질문과 함께 저를 멘션하거나 명령을 쓰세요(어디서든 멘션과 함께, 제 스레드 안에서는 멘션 없이). 저는 **${name}** 입니다.`,
      '',
      '- `!status` 무엇이 동작하고 무엇이 결정을 기다리는지',
      '- `!analyze [네임스페이스]` 규칙으로 찾은 문제와 근거',
      '- `!stop` 이 스레드에서 하던 일을 멈춤',
      '- `!approve ID`, `!deny ID 이유` 요청 아래의 ✅, ❌ 와 같음',
      '- `!tools` 호출할 수 있는 도구, `!도구 key=value …` 는 그 도구를 호출. 예: `!k8s_list_pods namespace=shop`',
      '',
      '무언가를 바꾸는 일은 먼저 그대로 보여 주고 승인된 뒤에만 실행합니다. 방에서 반응이 없으면 저를 초대하세요.',
    ].join('\n'),
  notAllowed: (person) => `${person} 님과는 여기서 대화할 수 없습니다. 관리자에게 문의하세요(KUBE_AGENT_USERS).`,
  settingsMissing: (command, settings) =>
    `${command} 에는 ${settings.join(', ')} 설정이 필요한데 설정되어 있지 않습니다.`,
  unknownCommand: (command, nearest) =>
    `${command} 명령을 모릅니다.${nearest.length > 0 ? ` 혹시 ${nearest.map((name) => `\`!${name}\``).join(', ')} 인가요?` : ''} \`!help\` 로 목록을 볼 수 있습니다.`,
  wrongArguments: (command, problem) => `\`!${command}\`: ${problem}`,
  stopped: '중지했습니다.',
  nothingToStop: '이 스레드에서 실행 중인 일이 없습니다.',
  withdrawnByMessage: '결정 전에 새 메시지가 와서 철회했습니다.',
  withdrawnByStop: '결정 전에 중지되었습니다.',
  promptGone: '승인 요청이 삭제되어 철회했습니다.',
  promptUnseen: '승인 요청을 방에 올릴 수 없어 아무도 결정할 수 없으므로 철회했습니다.',
  leftRoom: '봇이 더 이상 이 방에 없어 철회했습니다.',
  approvalNeeded: (summary, id) => `**승인 필요** \`${id}\`: ${summary}`,
  changes: '바뀌는 내용',
  affects: '영향',
  request: '보내질 요청 그대로',
  deciders: (names, count) =>
    count > 1 ? `다음 중 ${count}명이 승인해야 합니다: ${names}.` : `결정할 수 있는 사람: ${names}.`,
  asked: (names) => `요청한 사람: ${names}.`,
  otherThanAsker: '요청한 사람이 아닌 다른 사람이 승인해야 합니다.',
  until: (time, minutes) => `${time} UTC 까지 결정하세요(${minutes}분).`,
  how: (id) => `✅ 승인, ❌ 거부. 또는 \`!approve ${id}\`, \`!deny ${id} 이유\`.`,
  stateApproved: (by) => `✅ ${by} 승인. 지금 실행합니다.`,
  stateDone: (by, time) => `✅ ${by} 승인, ${time} UTC 에 완료.`,
  stateFailed: (by, time) => `⚠️ ${by} 승인, 그러나 ${time} UTC 에 실패.`,
  stateLost: (by, time) =>
    `⚠️ ${by} 승인, ${time} UTC 에 시작했지만 중단되었거나 응답이 없어 결과를 모릅니다. 다시 실행하지 않습니다.`,
  stateDenied: (by, reason) => `❌ ${by} 거부${reason ? `: ${reason}` : '.'}`,
  stateExpired: '⌛ 만료: 제때 결정되지 않았습니다. 아무것도 실행하지 않았습니다.',
  stateWithdrawn: (reason) => `🚫 ${reason} 아무것도 실행하지 않았습니다.`,
  policy: '허용 목록',
  notAnApprover: (person, id) => `${person} 님은 승인자가 아니므로 \`${id}\` 의 표시는 세지 않습니다.`,
  needsAnother: (person, id) => `${person} 님이 \`${id}\` 를 요청했으므로 다른 사람이 승인해야 합니다.`,
  notAMember: (person, id) => `${person} 님은 이 방에 없으므로 \`${id}\` 의 표시는 세지 않습니다.`,
  tooLate: (id) => `\`${id}\` 에 대한 결정이 너무 늦었습니다.`,
  counted: (have, need, id) => `\`${id}\`: ${need}명 중 ${have}명 승인.`,
  voteWithdrawn: (person, id) => `${person} 님이 \`${id}\` 승인을 거두었습니다.`,
  passedOn: (id) => `\`${id}\` 는 다른 스레드에 있어 그곳으로 전달했습니다.`,
  noSuchApproval: (id, open) =>
    `여기에는 \`${id}\` 요청이 없습니다.${open.length > 0 ? ` 열려 있는 요청: ${open.map((one) => `\`${one}\``).join(', ')}.` : ' 열려 있는 요청이 없습니다.'}`,
  reminder: (id, summary, minutes) => `\`${id}\` (${summary}) 결정을 아직 기다립니다. ${minutes}분 남았습니다.`,
  recovered: (summary, text) => `✅ “${summary}” 이후: ${text}`,
  notRecovered: (summary, text) => `⚠️ “${summary}” 이후에도 정상이 아닙니다: ${text}`,
  progressing: (summary, text) => `⏳ “${summary}” 이후 아직 진행 중: ${text}`,
  recoveryUnknown: (summary, text) => `“${summary}” 이후 결과를 확인하지 못했습니다: ${text}`,
  thinking: '생각 중',
  working: '작업 중',
  waiting: '결정을 기다리는 중',
  steps: (count, seconds) => `${count}단계, ${seconds}초`,
  modelAway: (reason, minutes) =>
    `${reason} ${minutes}분 동안 다시 시도합니다. 그동안 명령은 쓸 수 있습니다(\`!help\`).`,
  gaveUp: (reason) => `${reason} 그만 시도합니다. 복구되면 다시 써 주세요.`,
  noModel: '설정된 모델이 없어 추론할 수 없습니다. 직접 살펴본 결과:',
  commands: '모델이 없어도 명령은 쓸 수 있습니다: `!analyze`, `!tools`, `!help`.',
  findings: (where) => `${where} 분석 결과`,
  cannotLook: (reason) => `클러스터를 볼 수 없었습니다: ${reason}`,
  setAside: (reason) => `세 번 시도했지만 처리하지 못해 따로 두었습니다: ${reason}`,
  emptyAnswer: '모델이 답을 주지 않았습니다. 다시, 또는 더 좁혀서 물어 주세요.',
  tools: '호출할 수 있는 도구(`!도구 key=value …`):',
  statusTitle: '상태',
  manyPushes:
    '**한꺼번에 많은 푸시가 있습니다.** 이후의 푸시는 진단 없이 이 스레드에 모읍니다. 궁금한 것은 여기서 물어 주세요.',
}

export const texts: Record<Language, Texts> = { en, ko }

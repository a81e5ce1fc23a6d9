import type { Reason } from '../agent/reasons.ts'
import type { Language } from '../text/language.ts'

/** A sentence for each reason. Strings in a reason come from outside and have to be safe in Markdown already. */
type Sentences = { [Kind in Reason['kind']]: (why: Extract<Reason, { kind: Kind }>) => string }

const en: Sentences = {
  observe: () => 'This bot runs in observe mode and changes nothing.',
  'read-only': () => 'This is about work from a fork, so nothing is changed.',
  protected: ({ namespace }) => `Namespace ${namespace} is protected, so this bot changes nothing there.`,
  'no-approvers': () => 'Nobody may approve changes (KUBE_AGENT_APPROVERS is empty).',
  'too-few': ({ needed, able }) =>
    `This needs the approval of ${needed} who did not ask for it, and there ${able === 1 ? 'is' : 'are'} only ${able}.`,
  'denied-before': () => 'This very call was denied before.',
  'expired-before': () => 'Nobody decided on this very call before.',
  'check-refused': ({ said }) => `Refused: ${said}`,
  'check-failed': ({ said }) => `Looking at it before the change failed: ${said}`,
  'not-intact': () => 'Not run: the stored call is not the one that was approved.',
  'too-late': () => 'Not run: it was approved, but could not be started in time.',
  'not-backed': () => 'Not run: those who approved it are not enough any more.',
  'target-changed': () => 'Not run: the target changed after the approval was asked for. It has to be looked at again.',
  'not-callable': () => 'Not run: its tool has changed since.',
  message: () => 'Withdrawn: a new message came before the decision.',
  stop: () => 'Stopped by a person before the decision.',
  'prompt-gone': () => 'Withdrawn: the prompt was deleted.',
  'prompt-unseen': () => 'Withdrawn: the chat did not take the prompt, so nobody could decide.',
  'left-room': () => 'Withdrawn: the bot is no longer in the room.',
  told: ({ said }) => said,
}

const ko: Sentences = {
  observe: () => '이 봇은 관찰 모드로 동작하며 아무것도 바꾸지 않습니다.',
  'read-only': () => '포크에서 온 작업에 관한 것이라 아무것도 바꾸지 않습니다.',
  protected: ({ namespace }) => `${namespace} 네임스페이스는 보호되어 있어 이 봇은 아무것도 바꾸지 않습니다.`,
  'no-approvers': () => '변경을 승인할 수 있는 사람이 없습니다(KUBE_AGENT_APPROVERS 가 비어 있음).',
  'too-few': ({ needed, able }) => `요청하지 않은 사람 ${needed}명의 승인이 필요하지만 ${able}명뿐입니다.`,
  'denied-before': () => '바로 이 호출은 앞서 거부되었습니다.',
  'expired-before': () => '바로 이 호출은 앞서 아무도 결정하지 않았습니다.',
  'check-refused': ({ said }) => `거부됨: ${said}`,
  'check-failed': ({ said }) => `변경 전 확인에 실패했습니다: ${said}`,
  'not-intact': () => '실행하지 않음: 저장된 호출이 승인된 것과 다릅니다.',
  'too-late': () => '실행하지 않음: 승인되었지만 제때 시작하지 못했습니다.',
  'not-backed': () => '실행하지 않음: 승인한 사람만으로는 더 이상 충분하지 않습니다.',
  'target-changed': () => '실행하지 않음: 승인을 요청한 뒤 대상이 바뀌었습니다. 다시 살펴봐야 합니다.',
  'not-callable': () => '실행하지 않음: 그 사이에 도구가 바뀌었습니다.',
  message: () => '결정 전에 새 메시지가 와서 철회했습니다.',
  stop: () => '결정 전에 중지되었습니다.',
  'prompt-gone': () => '승인 요청이 삭제되어 철회했습니다.',
  'prompt-unseen': () => '승인 요청을 방에 올릴 수 없어 아무도 결정할 수 없으므로 철회했습니다.',
  'left-room': () => '봇이 더 이상 이 방에 없어 철회했습니다.',
  told: ({ said }) => said,
}

/** Why a call was not made, in words for people. */
export const reasons: Record<Language, Sentences> = { en, ko }

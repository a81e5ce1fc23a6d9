import type { Reason } from '../agent/reasons.ts'
import type { Language } from '../text/language.ts'
import { type Markdown, md } from '../text/markdown.ts'

/** A reason with its words from outside as Markdown. */
export type ShownReason<Why extends Reason = Reason> = Why extends Reason
  ? { [Key in keyof Why]: Key extends 'kind' ? Why[Key] : Why[Key] extends string ? Markdown : Why[Key] }
  : never

type Sentences = { [Kind in Reason['kind']]: (why: ShownReason<Extract<Reason, { kind: Kind }>>) => Markdown }

const en: Sentences = {
  observe: () => md`This bot runs in observe mode and changes nothing.`,
  'read-only': () => md`This is about work from a fork, so nothing is changed.`,
  protected: ({ namespace }) => md`Namespace ${namespace} is protected, so this bot changes nothing there.`,
  'no-approvers': () => md`Nobody may approve changes (KUBE_AGENT_APPROVERS is empty).`,
  'too-few': ({ needed, able }) =>
    md`This needs the approval of ${needed} who did not ask for it, and there ${able === 1 ? md`is` : md`are`} only ${able}.`,
  'denied-before': () => md`This very call was denied before.`,
  'expired-before': () => md`Nobody decided on this very call before.`,
  'check-refused': ({ said }) => md`Refused: ${said}`,
  'check-failed': ({ said }) => md`Looking at it before the change failed: ${said}`,
  'not-intact': () => md`Not run: the stored call is not the one that was approved.`,
  'too-late': () => md`Not run: it was approved, but could not be started in time.`,
  'not-backed': () => md`Not run: those who approved it are not enough any more.`,
  'target-changed': () =>
    md`Not run: the target changed after the approval was asked for. It has to be looked at again.`,
  'not-callable': () => md`Not run: its tool has changed since.`,
  message: () => md`Withdrawn: a new message came before the decision.`,
  stop: () => md`Stopped by a person before the decision.`,
  'prompt-gone': () => md`Withdrawn: the prompt was deleted.`,
  'prompt-unseen': () => md`Withdrawn: the chat did not take the prompt, so nobody could decide.`,
  'left-room': () => md`Withdrawn: the bot is no longer in the room.`,
  told: ({ said }) => said,
}

const ko: Sentences = {
  observe: () => md`이 봇은 관찰 모드로 동작하며 아무것도 바꾸지 않습니다.`,
  'read-only': () => md`포크에서 온 작업에 관한 것이라 아무것도 바꾸지 않습니다.`,
  protected: ({ namespace }) => md`${namespace} 네임스페이스는 보호되어 있어 이 봇은 아무것도 바꾸지 않습니다.`,
  'no-approvers': () => md`변경을 승인할 수 있는 사람이 없습니다(KUBE_AGENT_APPROVERS 가 비어 있음).`,
  'too-few': ({ needed, able }) => md`요청하지 않은 사람 ${needed}명의 승인이 필요하지만 ${able}명뿐입니다.`,
  'denied-before': () => md`바로 이 호출은 앞서 거부되었습니다.`,
  'expired-before': () => md`바로 이 호출은 앞서 아무도 결정하지 않았습니다.`,
  'check-refused': ({ said }) => md`거부됨: ${said}`,
  'check-failed': ({ said }) => md`변경 전 확인에 실패했습니다: ${said}`,
  'not-intact': () => md`실행하지 않음: 저장된 호출이 승인된 것과 다릅니다.`,
  'too-late': () => md`실행하지 않음: 승인되었지만 제때 시작하지 못했습니다.`,
  'not-backed': () => md`실행하지 않음: 승인한 사람만으로는 더 이상 충분하지 않습니다.`,
  'target-changed': () => md`실행하지 않음: 승인을 요청한 뒤 대상이 바뀌었습니다. 다시 살펴봐야 합니다.`,
  'not-callable': () => md`실행하지 않음: 그 사이에 도구가 바뀌었습니다.`,
  message: () => md`결정 전에 새 메시지가 와서 철회했습니다.`,
  stop: () => md`결정 전에 중지되었습니다.`,
  'prompt-gone': () => md`승인 요청이 삭제되어 철회했습니다.`,
  'prompt-unseen': () => md`승인 요청을 방에 올릴 수 없어 아무도 결정할 수 없으므로 철회했습니다.`,
  'left-room': () => md`봇이 더 이상 이 방에 없어 철회했습니다.`,
  told: ({ said }) => said,
}

/** Why a call was not made, in words for people. */
export const reasons: Record<Language, Sentences> = { en, ko }

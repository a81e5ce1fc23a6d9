import { say } from '../conversation.ts'
import { goesOn, type ThreadKind } from './kind.ts'

/** What people did outside is said in the thread that it concerns. */
export const remark = {
  ...goesOn,
  take: (conversation, { data }) => say(conversation, data.markdown, { quiet: true }),
} satisfies ThreadKind<'remark'>

import type { Language } from '../text/language.ts'
import { type Asked, askModel, type Work } from './ask-model.ts'
import type { Reply } from './reply.ts'

/**
 * Asks the model for the rest of an answer that was cut at a limit of its server, and joins both. This is neither a nudge nor a step, and
 * counts against the tokens of the request as any other question.
 */
export async function askForRest(begun: string, work: Work): Promise<Asked> {
  const asked = await askModel(work, urgingFor(begun)[work.deps.language])
  return asked.kind === 'reply' ? { ...asked, reply: joined(begun, asked.reply) } : asked
}

const urgingFor = (begun: string): Record<Language, string> =>
  begun.trim() === ''
    ? {
        en: 'Your reply reached the limit on its length before you said anything. Answer now, in a few sentences.',
        ko: '아무 말도 하기 전에 답변이 길이 한도에 닿아 잘렸습니다. 지금 몇 문장으로 답하세요.',
      }
    : {
        en: 'Your answer reached the limit on its length and was cut. Go on exactly where it stopped: repeat nothing, announce nothing.',
        ko: '답변이 길이 한도에 닿아 잘렸습니다. 끊긴 곳에서 그대로 이어 쓰세요. 앞의 내용을 되풀이하거나 다른 말을 덧붙이지 마세요.',
      }

function joined(begun: string, { message, text, ...rest }: Reply): Reply {
  const whole = join(begun, text)
  return { ...rest, text: whole, message: { ...message, content: whole.trim() } }
}

/** Two parts of one text. Models like to begin again with their last words: these stand once. */
export function join(begun: string, rest: string): string {
  const repeated = repeatedAt(begun.trimEnd(), rest.trimStart())
  if (repeated > 0) return begun.trimEnd() + rest.trimStart().slice(repeated)
  return begun + between(begun, rest) + rest
}

/** How far back a repetition is looked for, and how short a coincidence may be, in characters. */
const longest = 500
const shortest = 2

/** How many characters at the beginning of `rest` are the end of `begun`, from the beginning of a word on. */
function repeatedAt(begun: string, rest: string): number {
  for (let length = Math.min(longest, begun.length, rest.length); length >= shortest; length--) {
    const before = begun.at(-length - 1) ?? ' '
    if (!/[\p{L}\p{N}]/u.test(before) && begun.endsWith(rest.slice(0, length))) return length
  }
  return 0
}

/** A text may have been cut inside of a word, so nothing comes between but where a sentence, or a line of its own, visibly begins. */
function between(begun: string, rest: string): string {
  if (/(?:^|\s)$/.test(begun) || /^(?:\s|$)/.test(rest)) return ''
  if (/^(?:[-*] |#{1,6} |\d+\. |```)/.test(rest)) return '\n'
  return /[.!?。…]$/.test(begun) && /^[\p{Lu}\p{Script=Hangul}]/u.test(rest) ? ' ' : ''
}

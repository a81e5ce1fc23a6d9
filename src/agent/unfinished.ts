import type { Language } from '../text/language.ts'
import { forModel, type ModelText } from '../text/outside.ts'

/**
 * Whether a text without a tool call is visibly unfinished: it is empty, ends in the middle, or its last sentence announces what
 * will be done next instead of saying something. Questions and offers to the person are answers. Korean and English.
 */
export function isUnfinished(text: string): boolean {
  const clean = text.trim()
  if (clean === '') return true
  if ((clean.match(/^```/gm)?.length ?? 0) % 2 === 1) return true
  const [before = '', last = ''] = lastSentences(clean)
  if (/[?？]$/.test(last) || offers.some((pattern) => pattern.test(last) || pattern.test(before))) return false
  if (/(?:[:：]|\.\.\.|…|,)$/.test(last)) return true
  return announcements.some((pattern) => pattern.test(last))
}

/** What a model is told to make it go on. */
export function nudgeText(language: Language): ModelText {
  return language === 'ko'
    ? forModel`계속 진행하세요. 필요한 도구를 지금 호출하거나, 더 할 일이 없으면 결과를 답하세요.`
    : forModel`Go on: call the tools you need now, or answer with what you found if nothing is left to do.`
}

/** "Let me know …", "원하시면 …": the model hands over to the person. */
const offers = [
  /\b(?:let me know|feel free|if you (?:want|like|need|wish)|would you like|shall i|should i|do you want)\b/i,
  /(?:원하시면|필요하시면|말씀해|알려\s?주(?:세요|시면)|드릴까요|할까요|주시겠)/,
]

const verb =
  'check|look|inspect|list|get|fetch|read|examine|investigate|start|begin|retrieve|see|query|review|analy[sz]e|gather|describe|try|find|verify|continue|proceed|dig|take|pull|run|call|restart|scale|clone|confirm|search|compare'

/** What is going to be done, said by the one who should do it. */
const announcements = [
  new RegExp(`\\b(?:let me|let's|let us)\\s+(?:now\\s+|first\\s+|also\\s+|quickly\\s+|next\\s+)?(?:${verb})\\b`, 'i'),
  new RegExp(
    `\\b(?:i will|i'll|i’ll|i am going to|i'm going to|i’m going to|i need to|i should|we need to|next,? i)\\s+(?:now\\s+|first\\s+|also\\s+|then\\s+|next\\s+)?(?:${verb})\\b`,
    'i',
  ),
  new RegExp(`^(?:now |next,? |first,? |then )?(?:${verb})ing\\b[^.]*(?:now|next|first)?\\.?$`, 'i'),
  /\b(?:one moment|hold on|please wait|working on it|stand by)\b/i,
  /(?:겠습니다|겠어요|겠다|볼게요|할게요|해\s?볼게|하려고\s?합니다|보려고\s?합니다|해야\s?합니다만)[.!\s]*$/,
  /(?:잠시만|잠깐만)(?:요|\s?기다려)?/,
  /(?:하는|확인|조회|분석|살펴보는)\s?중(?:입니다|이에요)[.!\s]*$/,
]

/** The last two sentences, without code, quotations and formatting. */
function lastSentences(text: string): [string, string] {
  const prose = text
    .replace(/```[\s\S]*?```/g, '\n')
    .replace(/["“][^"“”\n]{0,300}["”]/g, 'it')
    .replace(/[*_`>#]+/g, ' ')
  const sentences = prose
    .split('\n')
    .flatMap((line) => line.match(/[^.!?。？！…:]+[.!?。？！…:]*/g) ?? [])
    .map((sentence) => sentence.trim())
    .filter(Boolean)
  return [sentences.at(-2) ?? '', sentences.at(-1) ?? '']
}

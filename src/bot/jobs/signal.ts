import { routeSignal } from '../signals/route.ts'
import type { OutsideKind } from './kind.ts'

/** Something happened outside. */
export const signal = {
  about: 'outside',
  route: (job, { signals, flood, languageOf }) => routeSignal(job, signals, { flood, language: languageOf('') }),
} satisfies OutsideKind<'signal'>

/** The same hint once more: what it is about had not come to its end, or could not be asked for. */
export const lookAgain = {
  about: 'outside',
  route: (job, { signals, flood, languageOf }) => routeSignal(job, signals, { flood, language: languageOf('') }),
} satisfies OutsideKind<'look-again'>

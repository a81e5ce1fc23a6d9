import { takeUp, takeUpHint } from '../signals/index.ts'
import type { OutsideKind, RouteDeps } from './kind.ts'

/** Something happened outside. */
export const signal = {
  about: 'outside',
  route: ({ data }, deps) => takeUp(data, carrierOf(deps)),
} satisfies OutsideKind<'signal'>

/** The same hint once more: what it is about had not come to its end, or could not be asked for. */
export const lookAgain = {
  about: 'outside',
  route: ({ data }, deps) => takeUpHint(data, carrierOf(deps)),
} satisfies OutsideKind<'look-again'>

/** Nobody asks, so nobody's language is known. */
const carrierOf = ({ signals, flood, languageOf, log }: RouteDeps) => ({
  ...signals,
  flood,
  language: languageOf(''),
  log,
})

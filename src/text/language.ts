/** The languages that the bot speaks. */
export type Language = 'en' | 'ko'

/** The language of a text, as far as the bot speaks it: Hangul means Korean. */
export function languageOf(text: string): Language {
  return /\p{Script=Hangul}/u.test(text) ? 'ko' : 'en'
}

const closing: Record<string, string> = { '(': ')', '[': ']', '{': '}' }
const quotes = new Set(['"', "'", '`'])

/**
 * Why an expression cannot be PromQL, as far as its brackets, quotes and ends tell; `undefined` when they tell nothing.
 * It is no parser: what passes may still be wrong.
 */
export function expressionFault(expression: string): string | undefined {
  const open: string[] = []
  let last = ''
  for (let at = 0; at < expression.length; at++) {
    const character = expression[at]!
    if (character === '#') {
      at = endOfLine(expression, at)
      continue
    }
    if (quotes.has(character)) {
      const end = endOfQuote(expression, at)
      if (end === undefined) return 'has a quote that is not closed'
      at = end
    } else if (character in closing) open.push(closing[character]!)
    else if (Object.values(closing).includes(character) && open.pop() !== character)
      return `has a ${character} that closes nothing`
    if (character.trim()) last = character
  }
  if (open.length > 0) return `lacks a ${open.at(-1)}`
  if (!last) return 'has no expression'
  return '+-*/%^=<>!,'.includes(last) ? `ends with ${last}` : undefined
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}

/** Where the string that begins here ends. Only backticks take backslashes as they are. */
function endOfQuote(text: string, from: number): number | undefined {
  const quote = text[from]
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\' && quote !== '`') at++
    else if (text[at] === quote) return at
  }
  return undefined
}

import { rules } from '@secretlint/secretlint-rule-preset-recommend'
import type { SecretLintRuleCreator, SecretLintSourceCode } from '@secretlint/types'
import type { Span } from './span.ts'

/**
 * What the rules of secretlint's preset recognise: tokens of forges, clouds and vendors by their form. Each rule is called directly
 * and not through secretlint's engine, which is asynchronous and obeys comments such as `secretlint-disable`: what comes from outside
 * must not choose what is hidden. See https://github.com/secretlint/secretlint/tree/master/packages/%40secretlint/secretlint-rule-preset-recommend
 */
export function foundByRules(text: string): Span[] {
  const found: Span[] = []
  const source = sourceOf(text)
  for (const { meta, create } of scanners) {
    const handler = create(
      {
        sharedOptions: {},
        createTranslator: () => () => ({ message: '', messageId: '', data: {} as never }),
        report: ({ range: [start, end] }) => void found.push({ start, end, kind: kinds[meta.id] ?? 'token' }),
        ignore: () => {},
      },
      {},
    )
    void handler.file?.(source)
  }
  return found
}

/** Without filters, which would let a comment in the text decide, and without rules for binary formats. */
const scanners = (rules as SecretLintRuleCreator[]).filter(
  ({ meta }) => meta.type === 'scanner' && meta.supportedContentTypes.includes('text'),
)

const kinds: Record<string, string> = {
  '@secretlint/secretlint-rule-privatekey': 'private key',
  '@secretlint/secretlint-rule-basicauth': 'address with a password',
  '@secretlint/secretlint-rule-database-connection-string': 'address with a password',
}

const sourceOf = (content: string): SecretLintSourceCode => ({
  content,
  hasBOM: false,
  filePath: undefined,
  physicalFilePath: undefined,
  contentType: 'text',
  ext: '',
  getFilePath: () => undefined,
  getPhysicalFilePath: () => undefined,
  locationToRange: unused,
  rangeToLocation: unused,
  positionToIndex: unused,
  indexToPosition: unused,
})

function unused(): never {
  throw new Error('rules report positions in the text and ask for no others')
}

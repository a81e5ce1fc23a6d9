import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { editContent, fileContent, fitting, messageContent, sizeOf } from '../../../src/bot/matrix/content.ts'
import { markdown } from './markdown.ts'

const nobody = { mention: [], quiet: false }
const inThread = {
  'm.relates_to': {
    rel_type: 'm.thread',
    event_id: '$'.padEnd(255, 'r'),
    is_falling_back: true,
    'm.in_reply_to': { event_id: '$'.padEnd(255, 'l') },
  },
}

/** What a server adds to our content, at its largest. */
const aroundContent = 3_000
const fits = (content: Record<string, unknown>) => sizeOf(content) + aroundContent < 65_536
const isWellFormed = (content: Record<string, unknown>) => !/\\ud[89a-f]/i.test(JSON.stringify(content))

test('whom a message mentions is always said, also nobody', () => {
  const mention = [{ user: '@alice:hs.test', name: 'Alice <b>' }]

  assert.deepEqual(messageContent('done', nobody)['m.mentions'], {})
  assert.deepEqual(editContent('$e', 'done', false)['m.mentions'], {})
  assert.deepEqual(fileContent({ name: 'a', text: '' }, 'mxc://x/y')['m.mentions'], {})
  assert.deepEqual(messageContent('**done**', { mention, quiet: false }), {
    msgtype: 'm.text',
    'org.matrix.msc3955.automated': true,
    body: 'Alice <b>:\n\ndone',
    format: 'org.matrix.custom.html',
    formatted_body:
      '<p><a href="https://matrix.to/#/%40alice%3Ahs.test">Alice &lt;b&gt;</a>:</p>\n<p><strong>done</strong></p>',
    'm.mentions': { user_ids: ['@alice:hs.test'] },
  })
})

test('a quiet message is a notice', () => {
  assert.equal(messageContent('step 1', { mention: [], quiet: true }).msgtype, 'm.notice')
  assert.equal(editContent('$e', 'step 2', true).msgtype, 'm.notice')
})

test('an edit carries the new text for clients, a short one for those without edits, and targets the first event', () => {
  const content = editContent('$first', `${'long '.repeat(500)}end`, true)

  assert.deepEqual(content['m.relates_to'], { rel_type: 'm.replace', event_id: '$first' })
  assert.match(String((content['m.new_content'] as { body: string }).body), /end$/)
  assert.ok(String(content.body).length < 250)
  assert.equal(content.formatted_body, undefined)
})

test('a text that fits goes whole; a longer one is cut between lines and says so', () => {
  const build = (text: string) => messageContent(text, nobody)

  assert.equal(fitting('short', 3_000, build).shortened, false)
  const { content, shortened } = fitting('a line of text\n'.repeat(5_000), 3_000, build)

  assert.equal(shortened, true)
  assert.match(String(content.body), /a line of text\n*…$/)
})

test('whatever the text, names and length, the event is well-formed and below the limit', () => {
  const person = fc.record({
    user: fc.constant(`@${'u'.repeat(248)}:b.c`),
    name: fc.string({ unit: 'binary', maxLength: 100 }),
  })
  const text = fc.tuple(markdown, fc.nat(400)).map(([bit, times]) => bit.repeat(times).slice(0, 40_000))
  fc.assert(
    fc.property(text, fc.array(person, { maxLength: 60 }), fc.boolean(), (written, mention, quiet) => {
      const message = fitting(written, 3_000, (part) => ({ ...messageContent(part, { mention, quiet }), ...inThread }))
      const edit = fitting(written, 24_000, (part) => editContent(`$${'e'.repeat(254)}`, part, quiet))

      for (const { content } of [message, edit]) assert.ok(fits(content) && isWellFormed(content))
    }),
    { numRuns: 40 },
  )
})

test('the heaviest characters fit: each becomes several bytes in JSON or HTML', () => {
  for (const heavy of ['" ', '\\ ', '& ', '<', '\u0001', '\n', '🦊 ', '\ud83e', '**a** ', '`a` '])
    for (const bytes of [9_000, 24_000, 500_000]) {
      const written = heavy.repeat(bytes / Buffer.byteLength(heavy))
      const message = fitting(written, 3_000, (part) => ({ ...messageContent(part, nobody), ...inThread }))
      const edit = fitting(written, 24_000, (part) => editContent('$e', part, true))

      for (const { content } of [message, edit])
        assert.ok(fits(content) && isWellFormed(content), `${JSON.stringify(heavy)} ${bytes}`)
    }
})

test('a text close to the limit goes whole or is cut, and fits either way', () => {
  for (let words = 3_500; words < 6_500; words += 20) {
    const { content } = fitting('word '.repeat(words), 3_000, (part) => ({
      ...messageContent(part, nobody),
      ...inThread,
    }))

    assert.ok(fits(content), `${words} words`)
  }
})

test('a crowd with long names leaves room for the text', () => {
  const mention = Array.from({ length: 200 }, (_, index) => ({
    user: `@${index}${'u'.repeat(240)}:b.c`,
    name: '"'.repeat(100),
  }))

  const { content } = fitting('the answer', 3_000, (part) => messageContent(part, { mention, quiet: false }))

  assert.ok(fits(content))
  assert.match(String(content.body), /the answer$/)
})

test('a file name with half a character in it is made whole', () => {
  assert.ok(isWellFormed(fileContent({ name: '\ud83e.txt', text: 'x' }, 'mxc://x/y')))
})

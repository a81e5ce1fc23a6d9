import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageText, pieces, runes } from '../../../src/bot/mattermost/content.ts'
import { markOf } from '../../../src/bot/mattermost/votes.ts'

test('what goes out calls nobody but those who are meant, also not from code what calls everybody', () => {
  const shown = (markdown: string) => messageText(markdown, { names: new Map(), mention: [] }).replaceAll('\u200B', '·')

  assert.equal(shown('@channel @All (@here) @bob _@bob_'), '@·channel @·All (@·here) @·bob _@·bob_')
  assert.equal(shown('`@all @bob`'), '`@·all @bob`')
  assert.equal(shown('```\n@here @bob\n```\n@bob'), '```\n@·here @bob\n```\n@·bob')
  assert.equal(shown('mail bob@corp.example'), 'mail bob@corp.example')
  assert.equal(shown('cron `"@hourly"`'), 'cron `"@hourly"`')
})

test('a backslash before it keeps neither an image nor a call alive, however many there are', () => {
  const shown = (markdown: string) => messageText(markdown, { names: new Map(), mention: [] }).replaceAll('\u200B', '·')

  assert.equal(shown('\\![a](http://evil/?q=1)'), '\\![a](http://evil/?q=1)', 'escaped: no image')
  assert.equal(shown('\\\\![a](http://evil/?q=1)'), '\\\\[a](http://evil/?q=1)')
  assert.equal(shown('\\\\\\\\![a](http://evil/?q=1)'), '\\\\\\\\[a](http://evil/?q=1)')
  assert.equal(shown('\\`@bob\\`'), '\\`@·bob\\`', 'no code')
  assert.equal(shown('\\`![a](http://evil)\\`'), '\\`[a](http://evil)\\`', 'no code')
  assert.equal(shown('\\\\`@bob`'), '\\\\`@bob`', 'code behind a backslash that is shown')
})

test('images from elsewhere become links', () => {
  assert.equal(messageText('![x](http://evil/x.png)', { names: new Map(), mention: [] }), '[x](http://evil/x.png)')
})

test('characters are counted as the server counts them', () => {
  assert.deepEqual(['a', 'ä', '🎉', 'e\u0301'].map(runes), [1, 1, 1, 2])
})

test('pieces of a text without lines break between characters, and what is left out is said', () => {
  const [first, ...rest] = pieces({ name: 'x.md', text: '🎉'.repeat(20_000) }, 1_000)

  assert.ok(runes(first ?? '') <= 1_000)
  assert.doesNotMatch(first ?? '', /\uFFFD/)
  assert.match(rest.at(-1) ?? '', /the rest is left out/)
})

test('only the two marks mean something, in any skin', () => {
  const meant = ['white_check_mark', 'x', '+1', 'thumbsup', 'heavy_check_mark', 'approve', 'x_dark_skin_tone'].map(
    markOf,
  )

  assert.deepEqual(meant, ['approve', 'deny', undefined, undefined, undefined, undefined, 'deny'])
})

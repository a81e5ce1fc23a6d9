import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mentions, withoutMention } from '../../../src/bot/matrix/mentions.ts'

const me = { user: '@bot:hs.test', names: ['Ops Bot', 'bot'] }
const html = (formatted_body: string, body = 'x') => ({ body, format: 'org.matrix.custom.html', formatted_body })

const calling: Record<string, Record<string, unknown>> = {
  'm.mentions alone': { body: 'how is web?', 'm.mentions': { user_ids: ['@bot:hs.test'] } },
  'm.mentions among wild entries': { body: 'x', 'm.mentions': { user_ids: [7, null, '@bot:hs.test'] } },
  'a pill': html('<a href="https://matrix.to/#/@bot:hs.test">Ops Bot</a> restart'),
  'a percent-encoded pill': html('<a href="https://matrix.to/#/%40bot%3Ahs.test">x</a>'),
  'a pill with ?via=': html('<a href="https://matrix.to/#/@bot:hs.test?via=hs.test&amp;via=other.test">x</a>'),
  'a matrix: address': html('<a href="matrix:u/bot:hs.test?action=chat">x</a>'),
  'a percent-encoded matrix: address': html('<a href="matrix:u/bot%3Ahs.test">x</a>'),
  'the plain id': { body: 'please @bot:hs.test look' },
  'the plain id before a full stop': { body: 'ask @bot:hs.test.' },
  'the plain id before a Korean particle': { body: '@bot:hs.test님 확인해 주세요' },
  'a name with a Korean particle': { body: '@bot에게 물어봐' },
  'the name and a colon': { body: 'Ops Bot: restart' },
  'the name and a comma, in another case': { body: 'ops bot, restart' },
  'the local part and a colon': { body: 'bot: restart' },
  '@ and the display name': { body: 'hey @Ops Bot restart' },
  'the display name in brackets': { body: '@[Ops Bot] restart' },
  'a name outside the quote': { body: '> old words\n@bot what of it?' },
  'the plain id in HTML': html('<p>please <b>@bot:hs.test</b> look</p>'),
}

for (const [what, content] of Object.entries(calling))
  test(`${what} calls us`, () => assert.equal(mentions(content, me), true))

const notCalling: Record<string, Record<string, unknown>> = {
  '@room': { body: '@room all hands', 'm.mentions': { room: true } },
  'a malformed m.mentions': { body: 'x', 'm.mentions': '@bot:hs.test' },
  'a malformed list in m.mentions': { body: 'x', 'm.mentions': { user_ids: '@bot:hs.test' } },
  'somebody else': { body: 'Alice: restart', 'm.mentions': { user_ids: ['@alice:hs.test'] } },
  'a longer name': { body: '@bot2 restart, @bot-prod too, @opsbot also' },
  'the same name on another server': { body: '@bot:elsewhere.test restart' },
  'our id as the beginning of another': { body: '@bot:hs.test.evil.test and @bot:hs.test:8448' },
  'a mail address': { body: 'mail@bot and mail@bot:hs.test' },
  'the name in a sentence': { body: 'the ops bot: is it well?' },
  'the name in a longer word': { body: 'bottom: line' },
  'inline code': { body: 'run `@bot restart`' },
  'a code block': { body: '```\n@bot restart\n```' },
  'an open code block': { body: '```\n@bot restart' },
  'a quote': { body: '> @bot restart\nhe said' },
  'a legacy reply': { body: '> <@bot:hs.test> on it\n\nthanks' },
  'HTML code': html('<code>@bot restart</code>'),
  'an HTML code block': html('<pre><code>@bot:hs.test <a href="https://matrix.to/#/@bot:hs.test">x</a></code></pre>'),
  'an HTML quote': html('<blockquote><a href="https://matrix.to/#/@bot:hs.test">Ops Bot</a></blockquote>he said'),
  'mx-reply': html(
    '<mx-reply><blockquote><a href="https://matrix.to/#/@bot:hs.test">@bot:hs.test</a><br>on it</blockquote></mx-reply>thanks',
  ),
  'a link to a room': html('<a href="https://matrix.to/#/!room:hs.test/$event">@bot</a>'),
  'a link elsewhere with our name': html('<a href="https://evil.test/#/@bot:hs.test">@bot:hs.test</a>'),
  'a link that only ends like ours': html('<a href="https://matrix.to.evil.test/#/@bot:hs.test">x</a>'),
  'an address': { body: 'see http://x.test/@bot and http://x.test/@bot:hs.test' },
  'an attribute': html('<b title="@bot:hs.test">x</b>'),
  'no text at all': {},
}

for (const [what, content] of Object.entries(notCalling))
  test(`${what} does not call us`, () => assert.equal(mentions(content, me), false))

const calls = [
  ['Ops Bot: restart web', 'restart web'],
  ['ops bot, restart web', 'restart web'],
  ['Ops Bot restart web', 'restart web'],
  ['@bot:hs.test: restart web', 'restart web'],
  ['@[Ops Bot] restart web', 'restart web'],
  ['[Ops Bot](https://matrix.to/#/@bot:hs.test): restart web', 'restart web'],
  ['restart web, @bot', 'restart web'],
  ['@bot @bot:hs.test', ''],
  ['Ops Bot', ''],
  ['who restarted the bot', 'who restarted the bot'],
  ['hey @bot what is up', 'hey @bot what is up'],
  ['@bot !approve a1', '!approve a1'],
] as const

for (const [said, meant] of calls)
  test(`"${said}" means "${meant}"`, () => assert.equal(withoutMention(said, me), meant))

test('whatever is written, looking for mentions gives an answer, and taking them away only shortens', () => {
  const bits = fc.constantFrom(
    '@bot',
    'Ops Bot',
    ':',
    ' ',
    '\n',
    '>',
    '`',
    '<a href="',
    '">',
    '</a>',
    '<code>',
    'İ',
    '\ud83d',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(bits, { maxLength: 30 }).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, fc.jsonValue(), (written, wild) => {
      mentions({ ...html(written, written), 'm.mentions': wild }, me)
      mentions({ body: wild, formatted_body: wild, format: 'org.matrix.custom.html' }, me)
      assert.ok(written.includes(withoutMention(written, me)))
    }),
    { numRuns: 50 },
  )
})

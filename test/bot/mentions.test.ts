import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mentions, withoutMention } from '../../src/bot/mentions.ts'

const calling = [
  '@opsbot',
  '@OpsBot: hi',
  'hi @opsbot.',
  "@opsbot's answer",
  '**@opsbot** hi',
  '(@opsbot)',
  '_@opsbot_ hi',
  '\\@opsbot',
  '[@opsbot](http://x)',
  '@opsbot님 재시작',
  'a `lone backtick @opsbot',
  '> quoted\n@opsbot hi',
]
for (const text of calling)
  test(`${JSON.stringify(text)} calls the bot`, () => {
    assert.equal(mentions(text, 'opsbot'), true)
  })

const notCalling = [
  'opsbot',
  '#opsbot',
  'x@opsbot',
  '@opsbot2',
  '@opsbot-x',
  '@opsbot.x',
  '@opsbot_x',
  'http://host/@opsbot',
  'mail@opsbot.example',
  '`@opsbot`',
  '``a `@opsbot` b``',
  '```\n@opsbot\n```',
  '```\n@opsbot',
  '> @opsbot said',
  '@all @channel @here',
]
for (const text of notCalling)
  test(`${JSON.stringify(text)} does not call the bot`, () => {
    assert.equal(mentions(text, 'opsbot'), false)
  })

test('the mention is left out where it only calls, and kept where it says something', () => {
  const texts = {
    '@opsbot restart web': 'restart web',
    '@opsbot: !status': '!status',
    '**@opsbot**, restart web': 'restart web',
    'restart web @opsbot': 'restart web',
    'restart web, @OpsBot!': 'restart web',
    '@opsbot': '',
    'ask @opsbot about it': 'ask @opsbot about it',
    '@opsbot @opsbot hi': 'hi',
  }

  for (const [text, said] of Object.entries(texts)) assert.equal(withoutMention(text, 'opsbot'), said)
})

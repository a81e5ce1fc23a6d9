import fc from 'fast-check'

const bits = fc.constantFrom(
  ...[
    '# ',
    '## ',
    '- ',
    '1. ',
    '> ',
    '\n',
    '\n\n',
    '```',
    '```yaml\n',
    '~~~\n',
    '`',
    '**',
    '*',
    '_',
    '~~',
    '| a | b |\n|---|---|\n',
    '|',
  ],
  ...[
    '[x](',
    ')',
    '![',
    '](',
    '[ ] ',
    '<b>',
    '<script>',
    '</script>',
    '<a href="',
    '">',
    '<!--',
    '-->',
    '&lt;',
    '&#x41;',
    '&#xD800;',
    '\\',
  ],
  ...[
    'https://matrix.to/#/@a:b',
    'matrix:u/a:b',
    'javascript:x',
    'http://a.test',
    '@room',
    '@a:b',
    'data:x',
    '//matrix.to/',
  ],
  ...['한국어', '🦊', '\ud83e', '\udd8a', '\u202e', '\u0000', '\t', 'word ', ' ', 'e\u0301', '"', "'", '<', '>', '&'],
)

/** Markdown as people, models and attackers write it. */
export const markdown = fc.oneof(
  fc.array(bits, { maxLength: 60 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 300 }),
)

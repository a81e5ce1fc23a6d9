import { styleText } from 'node:util'

type Format = Parameters<typeof styleText>[0]

/** Colours a text, or leaves it as it is. */
export type Paint = (format: Format, text: string) => string

/** Colours where the stream can show them and nobody said NO_COLOR. */
export const createPaint =
  (stream: NodeJS.WritableStream): Paint =>
  (format, text) =>
    styleText(format, text, { stream, validateStream: true })

export const plain: Paint = (_format, text) => text

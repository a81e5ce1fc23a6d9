import type { Positions } from '../../storage/index.ts'
import type { MessageId, Vote } from '../platform.ts'

/** What was said, as it is shown again when a conversation is resumed. */
export interface Line {
  id: MessageId
  kind: 'said' | 'answer' | 'remark' | 'question'
  markdown: string
  at: number
  /** The post's id: sending it again shows it once. */
  post?: string
  /** Of a question: what was answered, and whether it is over. */
  votes?: Vote[]
  over?: boolean
}

export interface Transcript {
  load(): Promise<void>
  /** A number that no message of this conversation had before; on disk when it resolves. */
  number(): Promise<number>
  add(line: Line): Promise<void>
  find(id: MessageId): Line | undefined
  posted(post: string): Line | undefined
  /** Writes down that a line changed. */
  save(): Promise<void>
  lines(): Line[]
}

const key = 'terminal:transcript'
const most = 500

export function createTranscript(positions: Pick<Positions, 'get' | 'set'>): Transcript {
  let kept: { number: number; lines: Line[] } = { number: 0, lines: [] }
  const save = async () => void (await positions.set(key, kept))
  return {
    async load() {
      kept = ((await positions.get(key)) as typeof kept | undefined) ?? kept
    },
    async number() {
      kept.number++
      const { number } = kept
      await save()
      return number
    },
    async add(line) {
      kept.lines.push(line)
      kept.lines.splice(0, kept.lines.length - most)
      await save()
    },
    find: (id) => kept.lines.find((line) => line.id === id),
    posted: (post) => kept.lines.find((line) => line.post === post),
    save,
    lines: () => kept.lines,
  }
}

import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'

/** One thing that somebody did: said, changed, marked. `of` is the message that it is about, of something said its root. */
export interface Line {
  number: number
  by: string
  /** A line that is sent again with its key is the same line. */
  key: string
  kind: 'say' | 'edit' | 'mark' | 'unmark'
  of: number
  text: string
}

/** A chat of lines over TCP: whoever connects is told everything from the beginning, then `now`, then what happens. */
export async function createLineServer(t: TestContext) {
  const lines: Line[] = []
  const links = new Set<Socket>()
  let isCut = false

  const tell = (link: Socket, value: object): void => void link.write(`${JSON.stringify(value)}\n`)

  function add(given: Omit<Line, 'number'>): Line | undefined {
    const known = lines.find(({ by, key }) => by === given.by && key === given.key)
    if (known) return known
    if (given.of > 0 && lines[given.of - 1]?.kind !== 'say') return undefined
    const line = { ...given, number: lines.length + 1 }
    lines.push(line)
    for (const link of links) tell(link, line)
    return line
  }

  const server = createServer((link) => {
    if (isCut) return void link.destroy()
    link.on('error', () => {}).on('close', () => links.delete(link))
    for (const line of lines) tell(link, line)
    tell(link, { kind: 'now' })
    links.add(link)
    createInterface(link)
      .on('error', () => {})
      .on('line', (text) => {
        const given = { ...(JSON.parse(text) as Omit<Line, 'number' | 'by'>), by: 'bot' }
        tell(link, add(given) ?? { kind: 'refused', key: given.key })
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const end = () => [...links].forEach((link) => void link.destroy())
  t.after(() => {
    end()
    server.close()
  })
  let keys = 0
  return {
    port: (server.address() as AddressInfo).port,
    lines,
    /** What a person does; the number of the line. */
    act: (by: string, kind: Line['kind'], of: number, text: string): number =>
      add({ by, key: `${++keys}`, kind, of, text })?.number ?? 0,
    cut() {
      isCut = true
      end()
    },
    mend() {
      isCut = false
    },
  }
}

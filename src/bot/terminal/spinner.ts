import { clean, cut } from './clean.ts'

export interface Spinner {
  start(): void
  stop(): void
  /** Takes it off the screen; the next frame brings it back. */
  hide(): void
  /** What runs now, by call; without any it thinks. */
  begin(call: string, tool: string): void
  end(call: string): void
}

const frames = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏']
const frameMs = 100

/** One line that says what is at work and since when. */
export function createSpinner(
  output: NodeJS.WritableStream,
  { width, now = Date.now }: { width(): number; now?: () => number },
): Spinner {
  const running = new Map<string, { tool: string; since: number }>()
  let timer: NodeJS.Timeout | undefined
  let since = 0
  let frame = 0
  let drawn = false

  function draw(): void {
    const tools = [...running.values()]
    const label = tools.length > 0 ? `Tool: ${tools.map(({ tool }) => clean(tool)).join(', ')}` : 'Thinking...'
    const from = tools.length > 0 ? Math.min(...tools.map((one) => one.since)) : since
    const seconds = Math.floor((now() - from) / 1000)
    frame = (frame + 1) % frames.length
    drawn = true
    output.write(`\r\u001b[2K${cut(`${frames[frame]} ${label} ${seconds}s`, width() - 1)}`)
  }

  function hide(): void {
    if (drawn) output.write('\r\u001b[2K')
    drawn = false
  }

  return {
    start() {
      if (timer) return
      since = now()
      output.write('\u001b[?25l')
      timer = setInterval(draw, frameMs)
      timer.unref()
    },
    stop() {
      if (!timer) return
      clearInterval(timer)
      timer = undefined
      // What was cancelled never says that it ended.
      running.clear()
      hide()
      output.write('\u001b[?25h')
    },
    hide,
    begin(call, tool) {
      running.set(call, { tool, since: now() })
    },
    end(call) {
      running.delete(call)
      if (running.size === 0) since = now()
    },
  }
}
